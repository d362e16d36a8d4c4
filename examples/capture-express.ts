// An Express service with its own audit trail. Start Cairn, set AWS_SHARED_CREDENTIALS_FILE as it says, then run
// `npx tsx examples/capture-express.ts` and call http://127.0.0.1:3000/orders/7 with the header `x-user: alice`.
import express from "express";
// In your own project: from "@cairn/capture" and "@cairn/capture/express".
import { expressCapture } from "../capture/src/express.ts";
import { createCapture } from "../capture/src/index.ts";

const capture = createCapture({
  service: "orders.example.com",
  spool: { folder: "./cairn-spool" },
});

const app = express();
app.use(
  expressCapture<express.Request>(capture, {
    // Asked when the answer is out, so whatever authenticates the request has run.
    identify: (request) => {
      const userName = request.header("x-user");
      return userName === undefined
        ? undefined
        : { type: "IAMUser", userName, principalId: `users/${userName}` };
    },
    requestBody: ["customer", "items"],
    resources: (request) => {
      // Express sets no params where no route answers, whatever its types say.
      const { id } = (request.params as express.Request["params"] | undefined) ?? {};
      return typeof id === "string"
        ? [{ ARN: `arn:example:orders:::order/${id}`, type: "Example::Order" }]
        : undefined;
    },
  }),
);
app.use(express.json());

// GetOrdersById
app.get("/orders/:id", (request, response) => {
  response.json({ id: request.params.id });
});
// PostOrders
app.post("/orders", (_, response) => {
  response.status(201).json({ id: "8" });
});

const server = app.listen(Number(process.env["PORT"] ?? 3000), "127.0.0.1", () => {
  console.log("listening on", server.address());
});

process.once("SIGTERM", () => {
  server.close(() => {
    // What Cairn does not have by then waits in the spool for the next start.
    void capture.close({ timeoutMs: 5_000 });
  });
});

// The upstream of the gateway bench, in a process of its own: answers every call with the same 450 bytes.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const answer = JSON.stringify({ UserPool: { Id: "us-east-1_a", Name: "n".repeat(400) } });
const server = createServer((request, response) => {
  request.resume();
  request.once("end", () => {
    response.writeHead(200, {
      "content-type": "application/x-amz-json-1.1",
      "content-length": answer.length,
      "x-amzn-requestid": "00000000-0000-4000-8000-000000000000",
    });
    response.end(answer);
  });
});
server.listen(0, "127.0.0.1", () =>
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`),
);

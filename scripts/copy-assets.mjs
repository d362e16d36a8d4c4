// Copies what the compiler leaves behind (service descriptions, SQL, profiles) from src to dist.
import { cpSync, statSync } from "node:fs";

cpSync("src", "dist", {
  recursive: true,
  filter: (source) => statSync(source).isDirectory() || /\.(json|sql|html|css|svg)$/.test(source),
});

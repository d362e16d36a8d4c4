// The baseline of the event loop figure, in a process of its own: a loop that does nothing and says, at each line of
// input, the longest that it was held since the last one, in milliseconds.
import { monitorEventLoopDelay } from "node:perf_hooks";

const delay = monitorEventLoopDelay({ resolution: 10 });
delay.enable();
process.stdin.on("data", () => {
  console.log(delay.max / 1e6);
  delay.reset();
});

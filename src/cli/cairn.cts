#!/usr/bin/env node
// Entry: gives the process enough I/O threads, then loads the command line.
//
// libuv reads this setting once, when its threads are first needed, and loading the first ES module needs them: hence
// a CommonJS file in front. Four (the default) would let a few long store queries keep a flush of the journal waiting.
process.env["UV_THREADPOOL_SIZE"] ??= "16";
void import("./main.js");

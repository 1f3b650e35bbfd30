/**
 * Loaded into the scanner before it begins. It asks the network for its own texts and goes on without them after a
 * second; what then becomes of the tries of that request, which nobody awaits any more, would end it half way.
 */
process.on("uncaughtException", (error) => {
  if (error.name === "RequestError" || error.message.includes("onCancel")) return;
  console.error(error);
  process.exit(1);
});

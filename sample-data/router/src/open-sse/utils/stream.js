import { logUsage } from "./usageTracking.js";

export function createStream(context) {
  return new TransformStream({
    transform(chunk, controller) {
      context.usage = chunk.usage ?? context.usage;
      controller.enqueue(chunk);
    },
    flush() {
      logUsage(context.provider, context.usage, context.model, context.connectionId, context.apiKey);
    },
  });
}

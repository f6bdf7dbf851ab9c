import { saveRequestUsage } from "@/lib/db/repos/usageRepo";

export function logUsage(provider, usage, model, connectionId, apiKey) {
  const tokens = usage ?? { prompt_tokens: 0, completion_tokens: 0 };
  console.log(`[${provider}] ${model}: ${tokens.prompt_tokens} in, ${tokens.completion_tokens} out`);
  return saveRequestUsage({
    timestamp: new Date().toISOString(),
    provider,
    model,
    connectionId,
    apiKey,
    promptTokens: tokens.prompt_tokens,
    completionTokens: tokens.completion_tokens,
  });
}

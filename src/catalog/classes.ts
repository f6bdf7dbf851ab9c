/** Which words of a status mean success, and which words of a kind mean a call to a model. */

const words = (text: string): ReadonlySet<string> => new Set(text.split(" "));

export const OK_WORDS = words(
  "success succeeded successful succeed completed complete ok okay done finished normal stop default unset passed pass valid validated true yes fulfilled processed delivered settled end_turn tool_calls tool_use length stop_sequence max_tokens eos status_code_ok status_code_unset",
);

export const BAD_WORDS = words(
  "failed fail failure error errored err cancelled canceled cancel timeout timedout timed_out pending running queued in_progress inprogress processing started starting aborted abort rejected denied invalid expired interrupted incomplete new created scheduled waiting retrying retry blocked throttled rate_limited ratelimited refused exception killed crashed draft false unfinished active open submitted paused stopped lost dead missing unauthorized forbidden partial status_code_error",
);

/** Kinds whose rows are calls to a model, tokens or not. */
export const CALL_WORDS = words(
  "assistant llm generation completion completions chat chat_completion chat_completions text_completion acompletion message_send ai model consume inference embedding embeddings aembedding llm_call response responses stream streaming streamed non_stream non_streaming sync async batch realtime message messages query generate",
);

/** Kinds whose rows are none. */
export const OTHER_WORDS = words(
  "user human tool tools chain server client system function retriever agent span event step internal tool_call tool_result tool_use function_call workflow root guardrail handoff parser prompt producer consumer http db database summary topup recharge login manage launched exit",
);

export interface Verdict {
  counts: boolean;
  why: string;
}

/** Whether a status is a success. `carries` is the share of its rows with tokens, null when the table has none. */
export function statusVerdict(value: string | null, column: string, carries: number | null): Verdict {
  const text = (value ?? "").trim().toLowerCase();
  if (text === "") return { counts: true, why: "no status" };
  const number = /^(\d+)(\.0+)?$/.exec(text)?.[1];
  if (number !== undefined) return numericVerdict(Number(number), column, carries);
  if (OK_WORDS.has(text)) return { counts: true, why: "a word of success" };
  if (BAD_WORDS.has(text)) return { counts: false, why: "a word of failure, or not done" };
  const code = /^([1-5])\d\d\b/.exec(text);
  if (code) return { counts: code[1] === "2", why: "an HTTP status" };
  const parts = text.split(/[^\p{L}\p{N}]+/u);
  const good = parts.some((part) => OK_WORDS.has(part));
  const bad = parts.some((part) => BAD_WORDS.has(part));
  const negated = parts.some((part) => /^(no|not|non|without|un)$/.test(part));
  if (good !== bad && !negated)
    return { counts: good, why: good ? "has a word of success" : "has a word of failure" };
  return byTokens(carries);
}

/** HTTP numbers, flags, and codes whose column says what 0 means. */
function numericVerdict(value: number, column: string, carries: number | null): Verdict {
  if (value >= 100 && value <= 599) return { counts: value >= 200 && value < 300, why: "an HTTP status" };
  if (/exit|error|return|rc\b|fail/i.test(column))
    return { counts: value === 0, why: "0 means no error in this column" };
  if (/success|succeeded|ok\b|complete/i.test(column))
    return { counts: value === 1, why: "1 means success in this column" };
  return byTokens(carries);
}

function byTokens(carries: number | null): Verdict {
  if (carries === null) return { counts: true, why: "an unknown word, taken as a success" };
  return carries > 0.5
    ? { counts: true, why: "an unknown word, most of its rows have tokens" }
    : { counts: false, why: "an unknown word, most of its rows have no tokens" };
}

/** Whether rows of a kind are calls. `mixed`: other kinds of the same column carry tokens. */
export function kindVerdict(value: string | null, carries: number, mixed: boolean): Verdict {
  const text = (value ?? "")
    .trim()
    .toLowerCase()
    .replaceAll(/[\s.-]+/g, "_");
  if (carries > 0.5) return { counts: true, why: "its rows carry tokens" };
  if (CALL_WORDS.has(text)) return { counts: true, why: "a word for a call to a model" };
  if (OTHER_WORDS.has(text)) return { counts: false, why: "a word for something other than a call" };
  if (carries > 0) return { counts: true, why: "some of its rows carry tokens" };
  return mixed
    ? { counts: false, why: "none of its rows carries tokens, other kinds do" }
    : { counts: true, why: "no kind carries tokens" };
}

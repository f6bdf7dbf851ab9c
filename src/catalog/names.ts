/** Splits column names into words, so that `promptTokens`, `prompt_tokens` and `PROMPTTOKENS` are one name. */

/** Words that are often run together (`sessionid`, `createdat`); only they are taken apart. */
const GLUED = [
  "prompt,input,output,completion,tokens,token,total,cache,cached,read,write,reasoning,usage,count,cost,in,out",
  "created,started,ended,updated,completed,finished,start,end,time,date,at,unix,nano,ms",
  "session,conversation,trace,span,parent,request,response,user,message,chat,thread,run,job,event,api,key",
  "id,uuid,model,provider,name,status,code",
]
  .join(",")
  .split(",")
  .sort((a, b) => b.length - a.length);

const WHOLE = new Set([...GLUED, "timestamp", "datetime", "username", "outcome", "income", "rate", "ended"]);

/** `usageDetails.cacheRead` → `["usage", "details", "cache", "read"]`; letters of every script count. */
export function wordsOf(name: string): string[] {
  return name
    .replace(/([\p{Ll}\p{N}])(\p{Lu})/gu, "$1 $2")
    .replace(/(\p{Lu}+)(\p{Lu}\p{Ll})/gu, "$1 $2")
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== "")
    .flatMap((word) => unglue(word.toLowerCase()));
}

/** `sessionid` → `["session", "id"]`; a word that is not made of known words alone stays whole. */
function unglue(word: string): string[] {
  if (word.length > 40 || WHOLE.has(word)) return [word];
  return partsOf(word) ?? [word];
}

function partsOf(word: string): string[] | null {
  if (word === "") return [];
  for (const known of GLUED) {
    if (!word.startsWith(known)) continue;
    const rest = partsOf(word.slice(known.length));
    if (rest) return [known, ...rest];
  }
  return null;
}

/** A plain English plural taken back: `messages` → `message`, `queries` → `query`. */
export function singular(word: string): string {
  if (/ies$/.test(word) && word.length > 4) return `${word.slice(0, -3)}y`;
  if (/(ch|sh|x|ss)es$/.test(word)) return word.slice(0, -2);
  return /[^su]s$/.test(word) && word.length > 3 ? word.slice(0, -1) : word;
}

/** What is asked of the same thing by many is found out once. */

/**
 * `read`, run once for each key; who asks meanwhile waits for the same answer.
 * @param keyOf the part of the arguments that the answer depends on.
 */
export function oncePer<A extends readonly unknown[], T>(
  keyOf: (...args: A) => object,
  read: (...args: A) => Promise<T>,
): (...args: A) => Promise<T> {
  const answers = new WeakMap<object, Promise<T>>();
  return (...args) => {
    const key = keyOf(...args);
    const answer = answers.get(key) ?? read(...args);
    answers.set(key, answer);
    return answer;
  };
}

/** How a server's URL is shown to people. */

/** The URL without its password and options, but for the service that says where it leads. */
export function shownUrl(url: string): string {
  try {
    // A password with a / # or ? in it, not escaped, may stand in any part of what is read as a URL.
    if (/^[^/]*:\/\/[^/?#]*[/?#].*@/s.test(url)) return "postgres://…";
    const { protocol, username, host, pathname, searchParams } = new URL(url);
    const service = searchParams.get("service");
    return `${protocol}//${username === "" ? "" : `${username}@`}${host}${pathname}${service === null ? "" : `?service=${service}`}`;
  } catch {
    return "postgres://…";
  }
}

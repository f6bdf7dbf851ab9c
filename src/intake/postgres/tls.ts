/** The ways to encrypt a connection that libpq's sslmode stands for. */

import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { messageOf, UserError } from "../../contract/errors.ts";

const MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

export interface TlsFiles {
  /** Certificates to trust, or `system`. */
  rootCertificate: string | undefined;
  certificate: string | undefined;
  key: string | undefined;
}

/**
 * The connections to try, in order: with TLS as these options say, or without (false).
 * @throws UserError for a mode that does not exist, and files that cannot be read.
 */
export function tlsAttempts(
  mode: string,
  host: string | undefined,
  { rootCertificate, certificate, key }: TlsFiles,
): (ConnectionOptions | false)[] {
  if (!MODES.includes(mode)) throw new UserError(`no sslmode is "${mode}": it is one of ${MODES.join(", ")}`);
  if (mode === "disable") return [false];
  const trusted = rootCertificate === "system" ? undefined : rootCertificate;
  if (mode === "verify-ca" && trusted === undefined)
    throw new UserError("sslmode=verify-ca needs the certificate to trust in sslrootcert");
  const own = {
    ...(certificate === undefined ? {} : { cert: content(certificate) }),
    ...(key === undefined ? {} : { key: content(key) }),
  };
  const verified: ConnectionOptions = {
    ...own,
    ...(trusted === undefined ? {} : { ca: content(trusted) }),
    // Of an address the name is not sent to the server, and its certificate is for the address.
    ...(host !== undefined && isIP(host) > 0 ? { host } : {}),
  };
  const anyName = { ...verified, checkServerIdentity: () => undefined };
  const unverified = { ...own, rejectUnauthorized: false };
  switch (mode) {
    case "allow":
      return [false, unverified];
    case "prefer":
      return [unverified, false];
    case "require":
      // As libpq does: with certificates at hand, they are looked at.
      return [trusted === undefined ? unverified : anyName];
    case "verify-ca":
      return [anyName];
    default:
      return [verified];
  }
}

function content(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new UserError(messageOf(error).replace(/^(\w+): (.*), open '.*'$/s, `${file}: $2`));
  }
}

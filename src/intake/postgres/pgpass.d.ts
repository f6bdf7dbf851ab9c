declare module "pgpass" {
  /** Calls back with the password that the password file has for a connection, or undefined. */
  export default function pgpass(
    connection: { host: string; port: number; database?: string | undefined; user?: string | undefined },
    done: (password: string | undefined) => void,
  ): void;
}

/** trueup.yaml: found, read, validated, and described for editors. */

export { CONFIG_NAMES, findConfig, repositoryRoot } from "./find.ts";
export { ConfigError, type LoadedConfig, loadConfig } from "./load.ts";
export {
  type Config,
  type ConfigurableCheck,
  configJsonSchema,
  configSchema,
} from "./schema.ts";

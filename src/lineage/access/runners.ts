/** What functions and methods do with an SQL text, by their names: the words of the drivers and loggers of all languages. */

/** Methods and functions that run SQL in some library of JavaScript, Python or Go. */
export const RUNS =
  /^(query|queryOne|queryRaw|execute|executeRaw|executemany|executescript|exec|execSync|run|all|get|each|iterate|values|raw|unsafe|any|one|oneOrNone|many|manyOrNone|none|multi|result|fetch|fetchall|fetchone|fetchrow|fetchval|fetch_all|fetch_one|fetch_val|execute_query|read_sql|read_sql_query|scalar|scalars|sql|QueryRow|QueryRowContext|QueryContext|Query|QueryRowx|QueryRowxContext|Queryx|QueryxContext|Exec|ExecContext|MustExec|MustExecContext|NamedExec|NamedExecContext|NamedQuery|NamedQueryContext|Queue|Get|GetContext|Select|SelectContext|Raw|batch|\$queryRaw|\$executeRaw|\$queryRawUnsafe|\$executeRawUnsafe|from_statement|createQuery|callproc|sendQuery|selectObjects|selectValue)$/;
/** What makes a statement that something else runs later. */
export const PREPARES =
  /^(prepare|prepareAsync|prepareStatement|Prepare|PrepareContext|Preparex|PreparexContext|PrepareNamed|PrepareNamedContext|text|sql|SQL|prepare_cached)$/;
/** What runs a prepared statement. */
export const STATEMENT_RUNS =
  /^(run|all|get|iterate|each|values|pluck|raw|expand|execute|exec|query|first|bind|executemany|fetchall|fetchone|Query|QueryRow|QueryContext|QueryRowContext|Exec|ExecContext|Queryx|QueryxContext|QueryRowx|QueryRowxContext|MustExec|MustExecContext|Get|GetContext|Select|SelectContext|step|finalize|reset)$/;
/** What binds a prepared statement to a transaction: `tx.Stmt(s.insert).Exec(…)`. */
export const REBINDS = /^(Stmt|StmtContext|Stmtx|StmtxContext|NamedStmt|NamedStmtContext)$/;
/** Texts given to these are told or compared, not run. */
export const NO_RUN =
  /^(log|info|warn|warning|error|debug|trace|fatal|critical|exception|print|println|printf|Println|Printf|Print|Errorf|Fatal|Fatalf|Error|TypeError|RangeError|Exception|ValueError|RuntimeError|expect|toBe|toEqual|toContain|toMatch|toHaveBeenCalledWith|assert|equal|deepEqual|push|append|unshift|includes|startsWith|endsWith|indexOf|test|match|split|replace|replaceAll|add|set|describe|it|t|i18n|gettext|_|alert|confirm|title|help|getLogger|addArgument|add_argument|option|description|join|len|length|format|dedent|strip|trim|isinstance|New|Wrap|Wrapf|fail|warnings|echo|createElement|write|assertEqual|assertIn|Contains|HasPrefix|Equal|Sprintf|sprintf|Sprint|concat|TrimSpace|toString|Join|Replace|ReplaceAll|Rebind|BindNamed|In|Named)$/;

/** What names a CTE of a builder, whose parts are texts. */
export const NAMES_CTE =
  /^(\$?with|with_?(cte|recursive|materialized|notMaterialized)|cte|addCommonTableExpression)$/i;

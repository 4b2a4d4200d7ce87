/**
 * `NAME=value`, one a line: what a shell evaluates, and what `.env` files and CI services' environment files hold. A value
 * that means something to a shell stands in single quotes.
 */
export function formatEnvironment(variables: Readonly<Record<string, string | number>>): string {
  return Object.entries(variables)
    .map(([name, value]) => `${name}=${quote(String(value))}\n`)
    .join('')
}

function quote(value: string): string {
  return /^[\w@%+=:,./-]+$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`
}

import type { Masked } from './source-text.ts'

/**
 * What a file imports, each specifier once: static imports (of values, types or neither), `import()`, `require()`,
 * `export … from`, and the files it names for workers (`new URL('./x.ts', import.meta.url)`).
 */
export function findImports({ code, strings }: Masked): string[] {
  const found = new Set<string>()
  for (const pattern of importPatterns) {
    for (const match of code.matchAll(pattern)) found.add(strings[Number(match[1])] ?? '')
  }
  for (const match of code.matchAll(workerUrl)) {
    const specifier = strings[Number(match[1])] ?? ''
    // Against a base URL a bare name is a file beside this one.
    found.add(/^(?:\.{0,2}\/|[a-z]+:)/.test(specifier) ? specifier : `./${specifier}`)
  }
  return [...found]
}

/** True when a path is put together as the program runs, and so can't be read here. */
export function hasComputedImport({ code }: Masked): boolean {
  return /(?<![.\w$])(?:import|require)\s*\((?!\s*"\d+"\s*[,)])/.test(code)
}

/** True for a file that only hands on what others export. */
export function isBarrel({ code }: Masked): boolean {
  const hasExport = /(?<![.\w$])export\b/.test(code)
  const rest = code.replace(reExport, '').replace(staticImport, '').replace(localExports, '')
  return hasExport && /^[\s;]*$/.test(rest)
}

const staticImport = /(?<![.\w$])import\b(?:[\w$\s{},*]*?\bfrom)?\s*"(\d+)"/g
const reExport = /(?<![.\w$])export\s*(?:type\s*)?(?:\*(?:\s*as\s+[\w$]+)?|\{[^}]*\})\s*from\s*"(\d+)"/g
const localExports = /(?<![.\w$])export\s*(?:type\s*)?\{[^}]*\}/g
const importPatterns = [
  staticImport,
  reExport,
  /(?<![.\w$])import\s*\(\s*"(\d+)"\s*[,)]/g,
  /(?<![\w$])require\s*\(\s*"(\d+)"/g,
  /\bimport\s*\.\s*meta\s*\.\s*resolve(?:Sync)?\s*\(\s*"(\d+)"/g,
]
const workerUrl = /\bnew\s+(?:URL\s*\(\s*"(?=\d+"\s*,\s*import\s*\.\s*meta\s*\.\s*url)|Worker\s*\(\s*")(\d+)"/g

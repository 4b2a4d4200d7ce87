import { test } from 'bun:test'
import { areToolsRequired, findTool, type ToolName } from '../scripts/tools.mjs'

export { findTool, type ToolName }

/** Whether tests that find more the longer they run take their time, as in CI. On a person's machine they are short. */
export const isThorough = process.env.CI === 'true'

/** The path of a tool that this machine must have. Throws the command that brings it. */
export function requireTool(name: ToolName): string {
  const file = findTool(name)
  if (file === undefined) throw new Error(`${name} is not on this machine: STOWER_TEST_INSTALL=1 npm test brings it`)
  return file
}

/**
 * A test with real tools. Without them it is skipped and its title says which are missing; where tools are required (CI,
 * STOWER_TEST_INSTALL=1) it fails.
 */
export function testWithTools(
  names: readonly ToolName[],
  title: string,
  run: () => void | Promise<void>,
  timeoutMs?: number,
): void {
  const missing = names.filter(name => findTool(name) === undefined)
  if (missing.length > 0 && !areToolsRequired) {
    test.skip(`${title} (needs ${missing.join(', ')})`, run)
    return
  }
  const checked = async () => {
    for (const name of names) requireTool(name)
    await run()
  }
  test(title, checked, timeoutMs)
}

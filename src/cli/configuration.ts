import { listConfig, printConfig } from '../config/print.ts'
import { type Command, print } from './command.ts'

export const configurationCommands: readonly Command[] = [
  {
    words: ['config', 'print'],
    summary: 'Show every setting with its value and where it comes from; secrets stay hidden.',
    examples: [{ line: 'stower config print', does: 'What the server would start with here.' }],
    settings: 'accepted',
    run: async ({ loaded }) => {
      if (loaded.kind === 'problems') return complain(loaded.problems)
      process.stdout.write(printConfig(listConfig(loaded.values, loaded.origins)))
      return 0
    },
  },
  {
    words: ['config', 'check'],
    summary: 'Tell every problem of the configuration at once.',
    examples: [{ line: 'stower config check --config /etc/stower/stower.yaml', does: 'Before a restart.' }],
    settings: 'accepted',
    run: async ({ loaded }) => {
      if (loaded.kind === 'problems') return complain(loaded.problems)
      print('the configuration is good')
      return 0
    },
  },
]

function complain(problems: readonly string[]): number {
  for (const problem of problems) process.stderr.write(`${problem}\n`)
  return 1
}

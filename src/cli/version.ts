import packageFile from '../../package.json' with { type: 'json' }
import { schemaVersion } from '../app/installation.ts'
import { type Command, print } from './command.ts'

export const versionCommand: Command = {
  words: ['version'],
  summary: 'Show the version of the program, its database schema and its runtime.',
  examples: [{ line: 'stower version', does: 'For reports of problems.' }],
  settings: 'refused',
  run: async () => {
    print(
      `stower ${packageFile.version} (schema ${schemaVersion}, Bun ${Bun.version}, ${process.platform}-${process.arch})`,
    )
    return 0
  },
}

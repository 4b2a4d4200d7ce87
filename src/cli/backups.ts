import { resolve } from 'node:path'
import { backUp, type CopiedInstallation, restore } from '../app/backup.ts'
import type { Digest } from '../protocol/oci/digest.ts'
import { type Command, positional, print, requireConfig } from './command.ts'

export const backupCommands: readonly Command[] = [
  {
    words: ['backup'],
    summary: 'Copy the whole installation into a folder, while it serves.',
    positionals: [{ name: 'dir', about: 'an empty folder, or one to make' }],
    examples: [
      { line: 'stower backup /backup/monday', does: 'On the same disk blobs are linked, which takes no space.' },
    ],
    settings: 'accepted',
    run: async invocation => {
      const folder = resolve(positional(invocation, 'dir'))
      const config = requireConfig(invocation)
      const copied = await backUp(config, folder, { onLost: tellLost })
      print(`${copied.blobs} blobs and the database are in ${folder}`)
      print(
        copied.hasKey
          ? 'The encryption key is in it, too: keep the folder as safe as the installation.'
          : 'The encryption key is not in it: keep the value of STOWER_ENCRYPTION_KEY with it.',
      )
      return outcomeOf(copied)
    },
  },
  {
    words: ['restore'],
    summary: 'Make an installation from a backup, in an empty data folder.',
    positionals: [{ name: 'dir', about: 'the folder of a backup' }],
    examples: [
      {
        line: 'stower restore /backup/monday --data-dir ./data',
        does: 'Then start it: stower serve --data-dir ./data',
      },
    ],
    settings: 'accepted',
    run: async invocation => {
      const config = requireConfig(invocation)
      const copied = await restore(config, resolve(positional(invocation, 'dir')), { onLost: tellLost })
      print(`${copied.blobs} blobs and the database are restored into ${config.dataDir}`)
      return outcomeOf(copied)
    },
  },
]

function tellLost(digest: Digest): void {
  process.stderr.write(`lost: ${digest}\n`)
}

/** A copy that lacks something is good, but not what was asked for. */
function outcomeOf({ lost }: CopiedInstallation): number {
  if (lost === 0) return 0
  const [blobs, are] = lost === 1 ? ['blob', 'is'] : ['blobs', 'are']
  process.stderr.write(
    `stower: ${lost} ${blobs} lost their bytes and ${are} not in it, everything else is; who pushes them again heals them\n`,
  )
  return 1
}

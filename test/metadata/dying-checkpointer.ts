import type { FromCheckpointer, ToCheckpointer } from '../../src/metadata/sqlite/checkpointer.ts'

declare const self: Worker & { name: string }

// A checkpointer that asks for a pause and dies in it, by the death that its name says.
self.onmessage = ({ data }: MessageEvent<ToCheckpointer>) => {
  if (data.kind === 'open') self.postMessage({ kind: 'pause' } satisfies FromCheckpointer)
  if (data.kind === 'paused' && self.name === 'throws') throw new Error('died in the pause')
  if (data.kind === 'paused') process.exit(3)
}

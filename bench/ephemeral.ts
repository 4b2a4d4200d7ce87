import { loadavg, tmpdir } from 'node:os'
import { resolve } from 'node:path'

/*
 * `node scripts/bun.mjs bench/ephemeral.ts dist/stower [STARTS]`: from the call of the executable's
 * `serve --ephemeral` to the first answer of 200, one start after another.
 */

const [executable, count = '20'] = process.argv.slice(2)
if (executable === undefined) throw new Error('name the executable: npm run build makes dist/stower')

const program = resolve(executable)
const before = loadavg()[0] ?? 0
const starts: number[] = []
for (let start = 0; start < Number(count); start++) starts.push(await measureStart())
starts.sort((a, b) => a - b)
const at = (share: number) => `${starts[Math.min(starts.length - 1, Math.floor(starts.length * share))]?.toFixed(0)} ms`
process.stdout.write(
  `${starts.length} starts of ${program}: fastest ${at(0)}, median ${at(0.5)}, slowest ${at(1)}; load of the machine ${before.toFixed(1)}\n`,
)

async function measureStart(): Promise<number> {
  const startedMs = performance.now()
  const child = Bun.spawn([program, 'serve', '--ephemeral'], {
    cwd: tmpdir(),
    env: { PATH: process.env.PATH },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'inherit',
  })
  const url = /^SWR_URL=(.*)$/m.exec(await new Response(child.stdout).text())?.[1]
  const { status } = await fetch(`${url}/readyz`)
  const tookMs = performance.now() - startedMs
  child.kill('SIGTERM')
  if (status !== 200 || (await child.exited) !== 0) throw new Error(`the start failed: /readyz answered ${status}`)
  return tookMs
}

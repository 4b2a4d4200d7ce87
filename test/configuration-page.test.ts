import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { configurationPage } from '../scripts/configuration-page.ts'
import { describeConfig } from '../src/config/describe.ts'
import { loadConfig } from '../src/config.ts'

test('the page of the configuration names every setting in all its spellings', () => {
  const page = configurationPage()
  for (const { key, environment, flag } of describeConfig()) {
    for (const name of [key, environment, flag]) expect(page).toContain(`\`${name}\``)
  }
})

test('the file to start from is accepted when every line of it is made to count', () => {
  const [, example = ''] = /```yaml\n(# listen[\s\S]*?)```/.exec(configurationPage()) ?? []
  const folder = mkdtempSync(join(tmpdir(), 'stower-example-'))
  try {
    const secret = join(folder, 'secret')
    writeFileSync(secret, 'postgres://stower@db.example.com/stower')
    const text = example.replaceAll(/^# /gm, '').replaceAll(/(_file: )\/run\/secrets\/.*/g, `$1${secret}`)
    writeFileSync(join(folder, 'stower.yaml'), text)
    const loaded = loadConfig({ flags: [], env: {}, cwd: folder })
    expect(loaded).toMatchObject({ kind: 'ok' })
    if (loaded.kind !== 'ok') return
    const lasting = describeConfig().filter(setting => !setting.isInitial)
    expect(lasting.filter(({ key }) => loaded.origins[key].kind !== 'file')).toEqual([])
  } finally {
    rmSync(folder, { recursive: true })
  }
})

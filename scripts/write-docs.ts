/**
 * Writes the pages that are generated from code. With `--check` it writes nothing, and fails when a page is stale.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { managementDocument, registryDocument } from '../src/app/api-documents.ts'
import { apiPage } from './api-page.ts'
import { configurationPage } from './configuration-page.ts'

const pages: Readonly<Record<string, () => string>> = {
  'docs/configuration.md': configurationPage,
  'docs/api.md': () => apiPage('/openapi.json', managementDocument()),
  'docs/registry-api.md': () => apiPage('/openapi-registry.json', registryDocument()),
}

const isCheck = process.argv.includes('--check')
for (const [name, write] of Object.entries(pages)) {
  const file = join(import.meta.dir, '..', name)
  const fresh = write()
  if (fresh === read(file)) continue
  if (isCheck) {
    console.error(`${name} is stale: run \`npm run docs\` and commit what it changes.`)
    process.exitCode = 1
  } else {
    writeFileSync(file, fresh)
    console.log(`wrote ${name}`)
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

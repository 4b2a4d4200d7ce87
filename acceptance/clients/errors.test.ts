import { afterAll, beforeAll, describe, expect } from 'bun:test'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { serveOnSmallDisk } from '../../test/disk/small-disk.ts'
import { initialSettings } from '../../test/initial-settings.ts'
import { credentials, logins } from '../program.ts'
import { runStower } from '../stower-command.ts'
import type { Client, ClientName } from './client.ts'
import { chartOf } from './helm.ts'
import { createUser, grant } from './people.ts'
import { refusalOf } from './refusal.ts'
import { imageName, openStage, openStageOver, type Served, type Stage, testWithClients } from './stage.ts'
import { oneAfterAnother, type Turns } from './turns.ts'

/**
 * What people read when something is refused, word for word. HOST stands for the registry, DIGEST for a
 * digest and NAME for a name that is too long. Of
 * some answers docker tries again for the better part of a minute, and says so; of 5xx it shows no more than the number.
 */

const limitMs = 240_000
let stage: Stage

beforeAll(async () => {
  stage = await openStage({ layerCount: 1, program: { settings: { STOWER_LIMITS_MANIFEST_SIZE: '64KiB' } } })
})
afterAll(() => stage?.[Symbol.asyncDispose]())

type Said = Partial<Record<ClientName, string>>

const said = {
  wrongPassword: {
    docker:
      'Get "http://HOST/v2/": unauthorized: Authenticate Error: the user name or the password is wrong or no longer counts: log in again',
    podman: 'Error: logging into "HOST": invalid username/password',
    helm: 'Error: authenticating to "HOST": GET "http://HOST/v2/": GET "http://HOST/swr/auth/v2/registry/auth/?service=dockyard": response status code 401: unauthorized: Authenticate Error: the user name or the password is wrong or no longer counts: log in again',
  },
  expired: {
    docker:
      'unauthorized: Authenticate Error: the user name or the password is wrong or no longer counts: log in again',
    podman:
      'Error: trying to reuse blob DIGEST at destination: unable to retrieve auth token: invalid username/password: unauthorized: Authenticate Error: the user name or the password is wrong or no longer counts: log in again',
    helm: 'Error: failed to perform "Exists" on destination: HEAD "http://HOST/v2/group/expired/manifests/DIGEST": GET "http://HOST/swr/auth/v2/registry/auth/?scope=repository%3Agroup%2Fexpired%3Apull%2Cpush&service=dockyard": response status code 401: unauthorized: Authenticate Error: the user name or the password is wrong or no longer counts: log in again',
  },
  denied: {
    docker: 'denied: you may see group/pushed-docker but not push to it: ask who manages group for the right',
    podman:
      'Error: writing blob: initiating layer upload to /v2/group/pushed-podman/blobs/uploads/ in HOST: denied: you may see group/pushed-podman but not push to it: ask who manages group for the right',
    helm: 'Error: failed to perform "Push" on destination: POST "http://HOST/v2/group/pushed-helm/blobs/uploads/": response status code 403: denied: you may see group/pushed-helm but not push to it: ask who manages group for the right',
  },
  missingOrganization: {
    docker:
      'name unknown: there is no organization missing, or you have no right in it: create it first, or ask for a grant',
    podman:
      'Error: writing blob: initiating layer upload to /v2/missing/app/blobs/uploads/ in HOST: name unknown: there is no organization missing, or you have no right in it: create it first, or ask for a grant',
    helm: 'Error: failed to perform "Push" on destination: POST "http://HOST/v2/missing/app/blobs/uploads/": response status code 404: name unknown: there is no organization missing, or you have no right in it: create it first, or ask for a grant',
  },
  noOrganization: {
    docker: 'name unknown: busybox names no organization: use HOST/<organization>/busybox',
    podman:
      'Error: writing blob: initiating layer upload to /v2/busybox/blobs/uploads/ in HOST: name unknown: busybox names no organization: use HOST/<organization>/busybox',
    helm: 'Error: failed to perform "Push" on destination: POST "http://HOST/v2/busybox/blobs/uploads/": response status code 404: name unknown: busybox names no organization: use HOST/<organization>/busybox',
  },
  badName: {
    docker: 'denied: no repository can have this name: a repository name has 1 to 128 characters, and this one has 129',
    podman:
      'Error: writing blob: initiating layer upload to /v2/group/NAME/blobs/uploads/ in HOST: denied: no repository can have this name: a repository name has 1 to 128 characters, and this one has 129',
    helm: 'Error: failed to perform "Push" on destination: POST "http://HOST/v2/group/NAME/blobs/uploads/": response status code 403: denied: no repository can have this name: a repository name has 1 to 128 characters, and this one has 129',
  },
  // docker, podman and helm push what a manifest names before the manifest.
  missingLayer: {
    oras: 'Error response from registry: manifest blob unknown: group/incomplete does not hold DIGEST that the manifest names: push it first: map[digest:DIGEST]',
    regctl:
      'failed to put manifest HOST/group/incomplete:1.0.0: request failed: not found [http 404]: {"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"group/incomplete does not hold DIGEST that the manifest names: push it first","detail":{"digest":"DIGEST"}}]}',
  },
  // An image of docker has too few layers for that.
  tooLarge: {
    podman:
      'Error: writing manifest: uploading manifest 1.0.0 to HOST/group/large: size invalid: the request body is larger than the 65536 bytes that are taken here: send less',
    helm: 'Error: failed to perform "Push" on destination: PUT "http://HOST/v2/group/large/manifests/DIGEST": response status code 413: size invalid: the request body is larger than the 65536 bytes that are taken here: send less',
    oras: 'Error response from registry: size invalid: the request body is larger than the 65536 bytes that are taken here: send less',
    regctl:
      'failed to put manifest HOST/group/large:1.0.0: request failed: unexpected http status code: Request Entity Too Large [http 413]: {"errors":[{"code":"SIZE_INVALID","message":"the request body is larger than the 65536 bytes that are taken here: send less"}]}',
  },
  readOnly: {
    docker: 'denied: the registry is read-only: moving to new disks until 14:00',
    podman:
      'Error: writing blob: initiating layer upload to /v2/group/read-only/blobs/uploads/ in HOST: denied: the registry is read-only: moving to new disks until 14:00',
    helm: 'Error: failed to perform "Push" on destination: POST "http://HOST/v2/group/read-only/blobs/uploads/": response status code 403: denied: the registry is read-only: moving to new disks until 14:00',
  },
  // Of 5xx docker and podman show no more than the number and its name, after they tried again.
  diskFull: {
    docker: 'received unexpected HTTP status: 507 Insufficient Storage',
    podman:
      'Error: writing blob: initiating layer upload to /v2/group/full/blobs/uploads/ in HOST: received unexpected HTTP status: 507 Insufficient Storage',
    helm: 'Error: failed to perform "Push" on destination: POST "http://HOST/v2/group/full/blobs/uploads/": response status code 507: unknown: the disk of the database is full: free space in the data folder',
  },
} as const satisfies Record<string, Said>

const diskFull: Said = said.diskFull

describe.concurrent('what people read', () => {
  testSaid('who logs in with a wrong password', said.wrongPassword, async name => {
    const client = await stage.newClient(name)
    return refusalOf(client.logIn(stage.program.host, { ...logins.password, password: 'wrong' }))
  })

  testSaid('whose login has expired, when they push', said.expired, async name => {
    const leaver = await createUser(stage.program, `leaver-${name}`)
    await grant(stage.program, 'group', leaver, 3)
    const client = await stage.newClient(name)
    await client.logIn(stage.program.host, leaver)
    await runStower(stage.program, ['user', 'disable', leaver.user])
    return refusalOf(push(client, imageName(stage, 'expired', '1.0.0')))
  })

  testSaid('who may only pull, when they push', said.denied, async name => {
    const image = imageName(stage, `pushed-${name}`, '1.0.0')
    await push(await stage.client(name), image)
    const reader = await createUser(stage.program, `reader-${name}`)
    await grant(stage.program, 'group', reader, 1)
    const client = await stage.newClient(name)
    await client.logIn(stage.program.host, reader)
    return refusalOf(push(client, image))
  })

  testSaid('who pushes to an organization that is missing', said.missingOrganization, async name =>
    refusalOf(push(await stage.client(name), `${stage.program.host}/missing/app:1.0.0`)),
  )

  testSaid('who names no organization', said.noOrganization, async name =>
    refusalOf(push(await stage.client(name), `${stage.program.host}/busybox:1.0.0`)),
  )

  testSaid('who chooses a name that clients take and SWR does not', said.badName, async name =>
    refusalOf(push(await stage.client(name), imageName(stage, 'a'.repeat(129), '1.0.0'))),
  )

  testSaid('who pushes a manifest without its layer', said.missingLayer, async name =>
    refusalOf(pushManifest(name, 'incomplete', manifestWith({}))),
  )

  testSaid('who pushes a manifest that is too large', said.tooLarge, async name =>
    refusalOf(pushLargeManifest(name, await stage.client(name))),
  )

  testSaid('who pushes when the disk is full', said.diskFull, async name => {
    await using full = await openFullStage()
    return await refusalOf(push(await full.client(name), imageName(full, 'full', '1.0.0')))
  })
})

describe('what people read while the registry takes nothing', () => {
  testSaid('who pushes to a read-only registry', said.readOnly, async name => {
    const client = await stage.client(name)
    await runStower(stage.program, ['maintenance', 'on', '--reason', 'moving to new disks until 14:00'])
    try {
      return await refusalOf(push(client, imageName(stage, 'read-only', '1.0.0')))
    } finally {
      await runStower(stage.program, ['maintenance', 'off'])
    }
  })
})

/** Clients work in turn: podman and docker share what they keep. */
const turns = new Map<ClientName, Turns>()

function inTurn<T>(name: ClientName, run: () => Promise<T>): Promise<T> {
  const turn = turns.get(name) ?? oneAfterAnother()
  turns.set(name, turn)
  return turn(run)
}

/** A test for each client: what it prints is what the table says. */
function testSaid(who: string, said: Said, attempt: (name: ClientName) => Promise<string>): void {
  for (const [name, text] of Object.entries(said) as [ClientName, string][]) {
    testWithClients(
      [name],
      `${name} tells someone ${who}: ${text}`,
      async () => {
        const printed = await inTurn(name, () => attempt(name))
        expect(lastWords(printed)).toBe(text)
        if (said !== diskFull) expect(printed).not.toContain('Retrying in')
      },
      limitMs,
    )
  }
}

/** The last line of what was printed, which is where all of them say what is wrong. */
function lastWords(printed: string): string {
  const last = printed.trim().split('\n').at(-1) ?? ''
  return last
    .replace(/^Error response from daemon: /, '')
    .replaceAll(/127\.0\.0\.1:\d+/g, 'HOST')
    .replaceAll(/sha256:[0-9a-f]{64}/g, 'DIGEST')
    .replaceAll('a'.repeat(129), 'NAME')
}

async function push(client: Client, image: string): Promise<unknown> {
  return client.push(await stage.content(), image)
}

/** A registry whose disk has room for nothing more. */
async function openFullStage(): Promise<Stage<Served>> {
  const disk = await serveOnSmallDisk({
    sizeMib: 160,
    env: initialSettings(credentials),
  })
  const { url, dataDir } = disk
  const dispose = () => disk[Symbol.asyncDispose]()
  const full = await openStageOver({ url, host: new URL(url).host, dataDir, [Symbol.asyncDispose]: dispose })
  // The first token makes the key that signs them all, and that needs room.
  await full.registry.request('GET', '/swr/auth/v2/registry/auth/?service=dockyard')
  disk.leaveFree(0)
  return full
}

/** By the commands that push what they are given. */
async function pushManifest(name: ClientName, repository: string, manifest: string): Promise<unknown> {
  const image = imageName(stage, repository, '1.0.0')
  const file = join(await stage.newFolder('manifest'), 'manifest.json')
  await writeFile(file, manifest)
  if (name === 'oras') return (await stage.client(name)).oras(['manifest', 'push', '--plain-http', image, file])
  return (await stage.client('regctl')).regctl(['manifest', 'put', '-t', manifestType, image], manifest)
}

async function pushLargeManifest(name: ClientName, client: Client): Promise<unknown> {
  const annotation = 'a'.repeat(70_000)
  const image = imageName(stage, 'large', '1.0.0')
  switch (name) {
    case 'podman': {
      const { podman } = await stage.client(name)
      await podman([
        'build',
        '--no-cache',
        '--annotation',
        `large=${annotation}`,
        '-t',
        image,
        (await stage.content()).context,
      ])
      return podman(['push', '--tls-verify=false', image])
    }
    case 'helm': {
      const { helm } = await stage.client(name)
      const { parent, name: chart, version } = chartOf(image)
      const folder = join(await stage.newFolder('chart'), chart)
      await mkdir(folder)
      const content = `apiVersion: v2\nname: ${chart}\nversion: ${version}\nannotations:\n  large: ${annotation}\n`
      await writeFile(join(folder, 'Chart.yaml'), content)
      await helm(['package', folder, '-d', folder])
      return helm(['push', '--plain-http', join(folder, `${chart}-${version}.tgz`), `oci://${parent}`])
    }
    default:
      return pushManifest(client.name, 'large', manifestWith({ large: annotation }))
  }
}

const manifestType = 'application/vnd.oci.image.manifest.v1+json'

function manifestWith(annotations: Record<string, string>): string {
  const digest = `sha256:${'1'.repeat(64)}`
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: manifestType,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest, size: 2 },
    layers: [],
    annotations,
  })
}

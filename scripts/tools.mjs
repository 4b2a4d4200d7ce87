import { accessSync, constants, readdirSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { libcOf } from './loader.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Where the Go tools of the tests are built. */
export const goBinFolder = join(root, '.cache', 'go-bin')

/** Where the Python tools of the tests are, in an environment of their own. */
export const pythonFolder = join(root, '.cache', 'python')

/**
 * The programs that tests run against or with. `debian`: the package that brings it; of several, the first that this
 * release of Debian knows. `go`: the pinned package it is built from. `module`: the pinned module that this package is
 * in, where `go install` refuses it (its go.mod replaces modules) and it has to be built as a dependency of another.
 * `python`: the file of pinned packages that it comes with. The ones that take longest come first, so that a build of one core doesn't run alone in the end.
 */
export const tools = {
  initdb: { debian: ['postgresql-15', 'postgresql'], folders: postgresFolders },
  pg_ctl: { debian: ['postgresql-15', 'postgresql'], folders: postgresFolders },
  postgres: { debian: ['postgresql-15', 'postgresql'], folders: postgresFolders },
  skopeo: { debian: ['skopeo'] },
  podman: { debian: ['podman'] },
  buildah: { debian: ['buildah'] },
  crun: { debian: ['crun'] },
  schemathesis: { python: join(root, 'scripts', 'schemathesis.txt') },
  docker: { debian: ['docker-cli', 'docker.io'] },
  dockerd: { debian: ['docker.io'] },
  // Only a static one makes an image without a base.
  busybox: { debian: ['busybox-static'], fits: file => libcOf(file) === undefined },
  strace: { debian: ['strace'] },
  openssl: { debian: ['openssl'] },
  // A peer that the differential test asks the same.
  'docker-registry': { debian: ['docker-registry'] },
  unshare: { debian: ['util-linux'] },
  runuser: { debian: ['util-linux'] },
  containerd: { debian: ['containerd'] },
  ctr: { debian: ['containerd'] },
  runc: { debian: ['runc'] },
  cosign: { go: 'github.com/sigstore/cosign/v3/cmd/cosign@v3.1.3' },
  helm: { go: 'helm.sh/helm/v3/cmd/helm@v3.22.0' },
  buildkitd: { go: 'github.com/moby/buildkit/cmd/buildkitd', module: 'github.com/moby/buildkit@v0.34.2' },
  buildctl: { go: 'github.com/moby/buildkit/cmd/buildctl', module: 'github.com/moby/buildkit@v0.34.2' },
  notation: {
    go: 'github.com/notaryproject/notation/cmd/notation',
    module: 'github.com/notaryproject/notation@v1.3.2',
  },
  conformance: {
    go: 'github.com/opencontainers/distribution-spec/conformance@v0.0.0-20260831232431-97274622c111',
  },
  crane: { go: 'github.com/google/go-containerregistry/cmd/crane@v0.22.1' },
  regctl: { go: 'github.com/regclient/regclient/cmd/regctl@v0.11.7' },
  oras: { go: 'oras.land/oras/cmd/oras@v1.3.6' },
}

/** Whether missing tools are installed, and a test without its tool fails instead of being skipped. */
export const areToolsRequired = process.env.CI === 'true' || process.env.STOWER_TEST_INSTALL === '1'

/** The path of a tool on this machine; undefined when it is not there. */
export function findTool(name) {
  const { go, python, folders = searchFolders, fits = () => true } = tools[name]
  const candidates = go ? [goBinFolder] : python ? [join(pythonFolder, 'bin')] : folders()
  return candidates.map(folder => join(folder, name)).find(file => isExecutable(file) && fits(file))
}

/** PATH, and the folders of system programs that an ordinary user's PATH lacks. */
export function searchFolders() {
  return [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'].filter(Boolean)
}

/** Debian keeps the programs of each PostgreSQL in a folder of its own. The newest from 15 on comes first. */
function postgresFolders() {
  const parent = '/usr/lib/postgresql'
  const versions = listFolder(parent).map(Number)
  const fitting = versions.filter(version => version >= 15).sort((a, b) => b - a)
  return [...fitting.map(version => join(parent, String(version), 'bin'))]
}

function listFolder(folder) {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

import type { ToolName } from '../../../test/tools.ts'
import type { ClientName } from '../client.ts'
import type { Situation } from './situations.ts'

/** Why a client has no such operation, and how it says so itself when it is asked for it. */
export type Lack = {
  readonly because: string
  readonly asked: readonly [tool: ToolName, ...args: string[]]
  readonly says: RegExp
}

/** The empty cells of the table. A client of a later version that can do it fails the test. */
export const lacks: { readonly [Name in ClientName]?: { readonly [S in Situation]?: Lack } } = {
  docker: {
    'lists tags': {
      because: 'it has no command for it; "docker pull --all-tags" walks the list',
      asked: ['docker', 'search', '--list-tags', 'x'],
      says: /unknown flag: --list-tags/,
    },
    'deletes an image': {
      because: 'it has no command that deletes in a registry',
      asked: ['docker', 'registry', 'rm', 'x'],
      says: /unknown command: docker registry|'registry' is not a docker command/,
    },
    'pushes an artifact that refers to an image and finds it': {
      because: 'its manifests have no subject',
      asked: ['docker', 'push', '--subject', 'x', 'y'],
      says: /unknown flag: --subject/,
    },
  },
  skopeo: {
    'pushes an artifact that refers to an image and finds it': {
      because: 'it copies what others made, and has no command for referrers',
      asked: ['skopeo', 'referrers', 'x'],
      says: /unknown command|unrecognized command/i,
    },
  },
  podman: {
    'deletes an image': {
      because: 'it has no command that deletes in a registry',
      asked: ['podman', 'rmi', '--tls-verify=false', 'x'],
      says: /unknown flag: --tls-verify/,
    },
    'pushes an artifact that refers to an image and finds it': {
      because: 'it has no command for artifacts',
      asked: ['podman', 'artifact', 'ls'],
      says: /unrecognized command/,
    },
  },
  buildah: {
    'lists tags': {
      because: 'it has no command for it',
      asked: ['buildah', 'search', '--list-tags', 'x'],
      says: /unknown command/,
    },
    'deletes an image': {
      because: 'it has no command that deletes in a registry',
      asked: ['buildah', 'rmi', '--tls-verify=false', 'x'],
      says: /unknown flag: --tls-verify/,
    },
    'pushes an artifact that refers to an image and finds it': {
      because: 'its manifests have no subject',
      asked: ['buildah', 'push', '--subject', 'x', 'y'],
      says: /unknown flag: --subject/,
    },
  },
  ctr: {
    'lists tags': {
      because: 'it lists what containerd holds, not what a registry holds',
      asked: ['ctr', 'images', 'ls', '--plain-http'],
      says: /flag provided but not defined: -plain-http/,
    },
    'deletes an image': {
      because: 'it deletes in containerd alone',
      asked: ['ctr', 'images', 'rm', '--plain-http', 'x'],
      says: /flag provided but not defined: -plain-http/,
    },
    'pushes an artifact that refers to an image and finds it': {
      because: 'it makes no manifests',
      asked: ['ctr', 'images', 'push', '--subject', 'x', 'y'],
      says: /flag provided but not defined: -subject/,
    },
  },
  crane: {
    'pushes an artifact that refers to an image and finds it': {
      because: 'it has no command for referrers',
      asked: ['crane', 'attach', 'x'],
      says: /unknown command "attach"/,
    },
  },
  helm: {
    'lists tags': {
      because: 'it lists tags only to find the newest chart',
      asked: ['helm', 'registry', 'tags', 'x'],
      says: /unknown command|Usage:/,
    },
    'copies to another repository without sending layers': {
      because: 'it has no command for it',
      asked: ['helm', 'copy', 'x', 'y'],
      says: /unknown command "copy"/,
    },
    'deletes an image': {
      because: 'it deletes releases in a cluster, not charts in a registry',
      asked: ['helm', 'delete', '--plain-http', 'x'],
      says: /unknown flag: --plain-http/,
    },
    'pushes one name for two platforms': {
      because: 'charts have no platforms',
      asked: ['helm', 'push', '--platform', 'x', 'y'],
      says: /unknown flag: --platform/,
    },
    'pushes an artifact that refers to an image and finds it': {
      because: 'its manifests have no subject; provenance goes into a layer of the chart',
      asked: ['helm', 'push', '--subject', 'x', 'y'],
      says: /unknown flag: --subject/,
    },
  },
  cosign: {
    'lists tags': {
      because: 'it shows what belongs to one image, not the tags of a repository',
      asked: ['cosign', 'ls', 'x'],
      says: /unknown command "ls"/,
    },
    'pushes one name for two platforms': {
      because: 'it signs what is there',
      asked: ['cosign', 'index', 'x'],
      says: /unknown command "index"/,
    },
  },
  notation: {
    'lists tags': {
      because: 'it lists the signatures of one image, not the tags of a repository',
      asked: ['notation', 'tags', 'x'],
      says: /unknown command "tags"/,
    },
    'copies to another repository without sending layers': {
      because: 'it has no command for it',
      asked: ['notation', 'copy', 'x', 'y'],
      says: /unknown command "copy"/,
    },
    'deletes an image': {
      because: 'it has no command that deletes in a registry',
      asked: ['notation', 'delete', 'x'],
      says: /unknown command "delete"/,
    },
    'pushes one name for two platforms': {
      because: 'it signs what is there',
      asked: ['notation', 'index', 'x'],
      says: /unknown command "index"/,
    },
  },
  buildkit: {
    'lists tags': {
      because: 'it builds, and has no command for registries',
      asked: ['buildctl', 'tags', 'x'],
      says: /No help topic for 'tags'|No such|not found|unknown/i,
    },
    'deletes an image': {
      because: 'it builds, and has no command for registries',
      asked: ['buildctl', 'delete', 'x'],
      says: /No help topic for 'delete'|No such|not found|unknown/i,
    },
    'pushes an artifact that refers to an image and finds it': {
      because: 'its attestations are part of the index of the image',
      asked: ['buildctl', 'attach', 'x'],
      says: /No help topic for 'attach'|No such|not found|unknown/i,
    },
  },
}

import type { ToolName } from '../../test/tools.ts'
import type { ImageFacts } from '../image-facts.ts'
import type { ImageContent } from '../images.ts'
import type { Login } from '../program.ts'

/** A pushed image: the digest of its manifest as the client says it, and what it sent as it lies on its own side. */
export type Pushed = { readonly digest: string; readonly facts: ImageFacts }

/** A pulled image: the digest of its manifest as the client says it, and what arrived. */
export type Pulled = { readonly digest: string; readonly facts: ImageFacts }

/** A registry client with a configuration of its own. What it refuses is thrown as `CommandError`. */
export type Client = {
  readonly name: ClientName
  logIn: (host: string, login: Login) => Promise<void>
  /** Makes an image of the content with the client's own means, and pushes it. */
  push: (content: ImageContent, image: string) => Promise<Pushed>
  /** Always brings every byte anew. */
  pull: (image: string) => Promise<Pulled>
} & Partial<Operations>

/** What only some clients can do with a registry. `lacks.ts` says why the others can't. */
export type Operations = {
  /** The tags of a repository. */
  listTags: (repository: string) => Promise<readonly string[]>
  /** Copies an image to another repository of the same registry. */
  copy: (from: string, to: string) => Promise<void>
  /** Deletes what the tag points to. */
  remove: (image: string) => Promise<void>
  /** Pushes one name for two platforms. */
  pushIndex: (of: IndexParts, image: string) => Promise<void>
  /** Pushes an artifact of this type with the image as its subject. */
  attach: (image: string, artifactType: string) => Promise<void>
  /** The types of the artifacts whose subject is the image. */
  listReferrers: (image: string) => Promise<readonly string[]>
}

/** What an index can be made of: images of its own repository, or an index there that is there already. */
export type IndexParts = { readonly children: readonly string[]; readonly source: string }

export type ClientName =
  | 'docker'
  | 'skopeo'
  | 'podman'
  | 'buildah'
  | 'ctr'
  | 'crane'
  | 'regctl'
  | 'oras'
  | 'helm'
  | 'cosign'
  | 'notation'
  | 'buildkit'

/** What must be on the machine for each. */
export const clientTools = {
  docker: ['docker', 'dockerd'],
  skopeo: ['skopeo'],
  podman: ['podman', 'crun'],
  buildah: ['buildah', 'crun'],
  ctr: ['ctr', 'containerd', 'runc'],
  crane: ['crane'],
  regctl: ['regctl'],
  oras: ['oras'],
  helm: ['helm'],
  cosign: ['cosign'],
  notation: ['notation'],
  buildkit: ['buildkitd', 'buildctl', 'runc'],
} as const satisfies Record<ClientName, readonly ToolName[]>

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
}

export type ClientName = 'docker' | 'skopeo' | 'podman' | 'buildah' | 'crane'

/** What must be on the machine for each. */
export const clientTools = {
  docker: ['docker', 'dockerd'],
  skopeo: ['skopeo'],
  podman: ['podman', 'crun'],
  buildah: ['buildah', 'crun'],
  crane: ['crane'],
} as const satisfies Record<ClientName, readonly ToolName[]>

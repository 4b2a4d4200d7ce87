import { z } from 'zod'

/** An organization as the API on the docker host shows it, to Harbor's adapter for Huawei's SWR. */
const shownNamespace = z.object({
  id: z.int(),
  name: z.string(),
  creator_name: z.string(),
  auth: z.union([z.literal(7), z.literal(3), z.literal(1)]),
  user_count: z.int(),
  image_count: z.int(),
})

/** `GET /dockyard/v2/namespaces/{name}`: what is not there has no name. */
export const dockyardNamespaceView = z.union([shownNamespace, z.object({ id: z.literal(0), name: z.literal('') })])

export type DockyardNamespaceView = z.infer<typeof dockyardNamespaceView>

/** `GET /dockyard/v2/namespaces` and `…/visible/namespaces`: all of them, without pages. */
export const dockyardNamespaceListView = z.object({ namespaces: z.array(shownNamespace) })

export type DockyardNamespaceListView = z.infer<typeof dockyardNamespaceListView>

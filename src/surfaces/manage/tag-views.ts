import type { Image } from '../../core/manifests/images/image.ts'
import type { TagView } from '../../protocol/manage/tags.ts'
import { formatTime } from '../../protocol/manage/times.ts'
import { placeIn } from './names.ts'
import type { Call } from './operation.ts'
import { pullPath } from './pull-path.ts'

/** Makes views of the images of the repository in the path, which is the account's. */
export function tagViews(call: Call, accountId: string): (image: Image) => TagView {
  const { organization, repository } = placeIn(call)
  const repositoryPath = pullPath(call.exchange.baseUrl, { organization, name: repository })
  return image => {
    const path = `${repositoryPath}:${image.tag}`
    return {
      id: image.id,
      repo_id: image.repositoryId,
      tag: image.tag,
      image_id: image.configHex ?? '',
      manifest: image.document ?? '',
      digest: image.digest,
      schema: 2,
      path,
      internal_path: path,
      size: image.sizeBytes,
      is_trusted: false,
      created: formatTime(image.createdMs),
      updated: formatTime(image.updatedMs),
      deleted: null,
      domain_id: accountId,
      scanned: false,
      tag_type: image.isIndex ? 1 : 0,
    }
  }
}

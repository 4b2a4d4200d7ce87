import { requireOwnProject } from '../../core/quotas/read-quotas.ts'
import { type FeatureGatesView, featureGatesView } from '../../protocol/manage/feature-gates.ts'
import { type Operation, operation, pathOf, shown, shows } from './operation.ts'

/**
 * SWR API, "Querying Feature Gates". What hangs on calls of this API is on where `operations`, all that is spoken, has
 * them; clients leave out what is off.
 */
export function featureGateOperation(operations: () => readonly Operation[]): Operation {
  return operation({
    method: 'GET',
    path: '/projects/:project/feature-gates',
    name: 'showShareFeatureGates',
    summary: 'Shows which parts of SWR are there.',
    answer: shows(featureGatesView),
    errors: [],
    route: 'account.feature-gates',
    on: 'organization',
    failureCode: '5000007',
    run: async (deps, call) => {
      await requireOwnProject(deps, call.by.caller, call.path.project ?? '')
      return shown(gatesOf(operations()))
    },
  })
}

function gatesOf(operations: readonly Operation[]): FeatureGatesView {
  const speaks = (method: Operation['method'], pattern: RegExp) =>
    operations.some(operation => operation.method === method && pattern.test(pathOf(operation)))
  return {
    // The vendor's gallery of images, its scanner, its hashes, container service, pipelines and paid edition.
    enable_experience: false,
    enable_hss_service: false,
    enable_image_scan: false,
    enable_sm3: false,
    enable_cci_service: false,
    enable_pipeline: false,
    enable_enterprise_edition_link: false,
    // Image labels and resource groups have no calls in this API.
    enable_image_label: false,
    enable_resource: false,
    enable_image_sync: speaks('POST', /\/sync_repo$/),
    enable_authorization_token: speaks('POST', /\/utils\/authorizationtoken$/),
    enable_list_v3: speaks('GET', /^\/v3\/manage\/repos$/),
    enable_image_quota: true,
    enable_cosign_signature: speaks('GET', /\/accessories$/),
    enable_customize_validity_period: speaks('POST', /\/utils\/secret$/),
    swr_util_download_url: '',
  }
}

import { expect, test } from 'bun:test'
import { parseJunit, parseTree } from './report.ts'

test('cases of junit.xml are read with their reasons, and what is not passed or skipped has failed', () => {
  const xml = `<testsuites tests="9"><testsuite tests="9">
    <testcase name="OCI Conformance Test/ping" classname="" time="0.1" status="passed">
      <system-err>&lt;testcase status=&#34;failure&#34;&gt;</system-err>
    </testcase>
    <testcase name="OCI Conformance Test/a/b&#39;s" classname="" status="skipped">
      <skipped message=""></skipped>
      <system-out>missing &#34;x&#34;&#xA;twice</system-out>
    </testcase>
    <testcase name="OCI Conformance Test/c" status="error"></testcase>
    <testcase name="OCI Conformance Test/d"></testcase>
  </testsuite></testsuites>`
  expect(parseJunit(xml)).toEqual([
    { name: 'ping', status: 'passed', reason: '' },
    { name: "a/b's", status: 'skipped', reason: 'missing "x"\ntwice' },
    { name: 'c', status: 'failed', reason: '' },
    { name: 'd', status: 'failed', reason: '' },
  ])
  expect(parseJunit('unknown status 0')).toEqual([])
})

test('the leaves of the printed tree are its cases', () => {
  const output = `Test results
OCI Conformance Test: FAIL
  OCI Conformance Test/ping: Disabled
  OCI Conformance Test/empty: FAIL
    OCI Conformance Test/empty/tag list: Pass
    OCI Conformance Test/empty/referrers: FAIL
  OCI Conformance Test/last: Skip

Configuration:
  registry: 127.0.0.1
`
  expect(parseTree(output).map(({ name, status }) => [name, status])).toEqual([
    ['ping', 'skipped'],
    ['empty/tag list', 'passed'],
    ['empty/referrers', 'failed'],
    ['last', 'skipped'],
  ])
})

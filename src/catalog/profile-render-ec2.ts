// EC2's two forms. Operations of its first API keep that API's shapes; newer ones are their own XML, turned to JSON.
//
//   first API   instancesSet: {items: [{instanceId: "i-1"}]}, filterSet: {}, _return: true, times in milliseconds
//   newer       DescribeHostsRequest: {MaxResults: 5, HostId: {content: "h-1", tag: 1}}, …Response: {xmlns, requestId}
//
// Which is which: the models spell the DryRun of the first API `dryRun` on the wire (observed 2026-11-21: agrees with
// every EC2 record that describe.test.ts reads, but for the operations without a DryRun that are listed here).
import { isJsonObject, type JsonObject, type JsonValue } from "../event/json.ts";
import { lowerFirst } from "./profile-render.ts";
import { ec2Name } from "./protocol/form.ts";
import { put, shapeOf, wireName } from "./protocol/shape.ts";
import type { Member, Service, Shape, StructureShape } from "./service.ts";

const firstApiWithoutDryRun = new Set(
  [
    "AssignPrivateIpAddresses UnassignPrivateIpAddresses CancelExportTask CreateInstanceExportTask DescribeExportTasks",
    "CancelReservedInstancesListing CreateReservedInstancesListing DescribeReservedInstancesListings",
    "DescribeReservedInstancesModifications ModifyReservedInstances CreateVpnConnectionRoute",
    "DeleteVpnConnectionRoute ModifySubnetAttribute ModifyVpcAttribute",
  ].flatMap((line) => line.split(" ")),
);

function isFirstApi(operationName: string, input: StructureShape | undefined): boolean {
  const dryRun = input?.m["DryRun"];
  return dryRun === undefined
    ? firstApiWithoutDryRun.has(operationName)
    : wireName("DryRun", dryRun) === "dryRun";
}

/** Lists of the first API by their name in the query: the set's name and, for plain values, the item's. */
const sets: Record<string, readonly [set: string, item?: string]> = {
  InstanceId: ["instancesSet"],
  VpcId: ["vpcSet"],
  SubnetId: ["subnetSet"],
  VolumeId: ["volumeSet"],
  SnapshotId: ["snapshotSet"],
  GroupId: ["securityGroupIdSet"],
  GroupName: ["securityGroupSet"],
  SecurityGroupId: ["groupSet", "groupId"],
  SecurityGroup: ["groupSet", "groupName"],
  KeyName: ["keySet"],
  ImageId: ["imagesSet", "imageId"],
  Owner: ["ownersSet"],
  ExecutableBy: ["executableBySet", "user"],
  RestorableBy: ["sharedUsersSet", "user"],
  RegionName: ["regionSet"],
  ZoneName: ["availabilityZoneSet"],
  ZoneId: ["availabilityZoneIdSet"],
  DhcpOptionsId: ["dhcpOptionsSet"],
  BundleId: ["bundlesSet"],
  AttributeName: ["accountAttributeNameSet"],
  PublicIp: ["publicIpsSet"],
  AllocationId: ["allocationIdsSet"],
  ResourceId: ["resourcesSet"],
  Filter: ["filterSet"],
  Tag: ["tagSet"],
  BlockDeviceMapping: ["blockDeviceMapping"],
  NetworkInterface: ["networkInterfaceSet"],
  TagSpecification: ["tagSpecificationSet"],
};

interface FirstApiRule {
  rename?: Readonly<Record<string, string>>;
  defaults?: JsonObject;
  /** These members describe the one item of the set. */
  intoSet?: { set: string; members: readonly string[] };
  /** Sets that are not shown when they are empty. */
  quietSets?: readonly string[];
}

/** Observed in the public sets of real records. */
const firstApi: Record<string, FirstApiRule> = {
  RunInstances: {
    intoSet: { set: "instancesSet", members: ["imageId", "minCount", "maxCount", "keyName"] },
    defaults: {
      blockDeviceMapping: {},
      disableApiStop: false,
      disableApiTermination: false,
      monitoring: { enabled: false },
    },
  },
  StopInstances: { defaults: { force: false } },
  DeleteVolume: { defaults: { reportVolumeFailure: false } },
  DeleteSnapshot: { defaults: { force: false } },
  AttachVolume: { defaults: { deleteOnTermination: false } },
  CreateVpc: { defaults: { instanceTenancy: "default", amazonProvidedIpv6CidrBlock: false } },
  CreateVolume: { rename: { availabilityZone: "zone" } },
  CreateSecurityGroup: { rename: { description: "groupDescription" } },
  CreateNetworkAclEntry: {
    rename: { protocol: "aclProtocol", icmp: "icmpTypeCode" },
    defaults: { icmpTypeCode: {}, portRange: {} },
  },
  ReplaceNetworkAclEntry: {
    rename: { protocol: "aclProtocol", icmp: "icmpTypeCode" },
    defaults: { icmpTypeCode: {}, portRange: {} },
  },
  ModifyImageAttribute: { rename: { attribute: "attributeType" } },
  ModifySnapshotAttribute: { rename: { attribute: "attributeType" } },
  DescribeKeyPairs: { defaults: { includePublicKey: false } },
  DescribeAccountAttributes: { defaults: { filterSet: {} } },
  DescribeRegions: { quietSets: ["filterSet"] },
  DescribeBundleTasks: { quietSets: ["filterSet"] },
  DescribeInstanceStatus: { quietSets: ["filterSet", "instancesSet"] },
};

/** Structures whose lists are always there. */
const completeLists: Record<string, readonly string[]> = {
  IpPermissions: ["groups", "ipRanges", "ipv6Ranges", "prefixListIds"],
};

export function renderEc2Input(
  service: Service,
  operationName: string,
  shape: StructureShape,
  input: JsonObject,
): JsonObject {
  if (!isFirstApi(operationName, shape)) {
    const shown = tagged(service, shape, input);
    const isBare = isJsonObject(shown) && Object.keys(shown).length === 0;
    return { [`${operationName}Request`]: isBare ? "" : shown };
  }
  const rule = firstApi[operationName] ?? {};
  const shown: JsonObject = { ...rule.defaults };
  const isListing = operationName.startsWith("Describe");
  for (const [name, member] of Object.entries(shape.m)) {
    const value = input[name];
    const inner = shapeOf(service, member.s);
    const key = firstApiName(name, member, inner, isPlainList(service, inner));
    if (value === undefined) {
      if (isListing && inner.t === "list" && rule.quietSets?.includes(key) !== true)
        shown[key] = {};
      continue;
    }
    const rendered = firstApiValue(service, name, member, inner, value);
    const target = rule.rename?.[key] ?? key;
    const before = shown[target];
    // Security groups by id and by name share one set.
    if (isJsonObject(before) && isJsonObject(rendered) && Array.isArray(before["items"])) {
      shown[target] = { items: [...before["items"], ...asItems(rendered)] };
    } else {
      put(shown, target, rendered);
    }
  }
  if (rule.intoSet !== undefined) {
    const item: JsonObject = {};
    for (const name of rule.intoSet.members) {
      put(item, name, shown[name]);
      delete shown[name];
    }
    shown[rule.intoSet.set] = { items: [item] };
  }
  return shown;
}

function asItems(value: JsonObject): JsonValue[] {
  return Array.isArray(value["items"]) ? value["items"] : [];
}

function firstApiName(name: string, member: Member, shape: Shape, isPlainList = false): string {
  const query = ec2Name(name, member);
  if (shape.t !== "list") return lowerFirst(member.n ?? name);
  const known = sets[query]?.[0];
  if (known !== undefined) return known;
  // Plain values stand in a set named after them; lists of structures, such as a permission's, keep their names.
  return isPlainList && query !== name ? `${lowerFirst(query)}Set` : lowerFirst(query);
}

function firstApiValue(
  service: Service,
  name: string,
  member: Member,
  shape: Shape,
  value: JsonValue,
): JsonValue {
  if (shape.t === "list" && Array.isArray(value)) {
    const inner = shapeOf(service, shape.e.s);
    const query = ec2Name(name, member);
    const item = sets[query]?.[1] ?? lowerFirst(query);
    const items = value.map((each) => {
      if (inner.t !== "structure") return { [item]: each };
      const shown = firstApiValue(service, "", { s: shape.e.s }, inner, each);
      const complete: JsonObject = {};
      for (const list of completeLists[name] ?? []) complete[list] = {};
      return isJsonObject(shown) ? { ...complete, ...shown } : shown;
    });
    return items.length === 0 ? {} : { items };
  }
  if (shape.t === "structure" && isJsonObject(value)) {
    const shown: JsonObject = {};
    for (const [each, inner] of Object.entries(shape.m)) {
      const found = value[each];
      if (found === undefined) continue;
      const innerShape = shapeOf(service, inner.s);
      if (each === "Tags" && Array.isArray(found)) {
        // Inside a tag specification the tags are a bare list.
        put(shown, "tags", tags(found));
        continue;
      }
      const key = firstApiName(each, inner, innerShape, isPlainList(service, innerShape));
      put(shown, key, firstApiValue(service, each, inner, innerShape, found));
    }
    return shown;
  }
  return value;
}

function isPlainList(service: Service, shape: Shape): boolean {
  return shape.t === "list" && shapeOf(service, shape.e.s).t !== "structure";
}

function tags(found: readonly JsonValue[]): JsonValue[] {
  return found.map((tag) =>
    isJsonObject(tag)
      ? Object.fromEntries(Object.entries(tag).map(([name, value]) => [lowerFirst(name), value]))
      : tag,
  );
}

/** The newer form: query names, list elements numbered by `tag`. */
function tagged(service: Service, shape: Shape, value: JsonValue): JsonValue {
  if (shape.t !== "structure" || !isJsonObject(value)) return value;
  const shown: JsonObject = {};
  for (const [name, member] of Object.entries(shape.m)) {
    const found = value[name];
    if (found === undefined) continue;
    const inner = shapeOf(service, member.s);
    if (inner.t !== "list" || !Array.isArray(found)) {
      put(shown, ec2Name(name, member), tagged(service, inner, found));
      continue;
    }
    const element = shapeOf(service, inner.e.s);
    const items = found.map((each, index) => {
      const item = tagged(service, element, each);
      return isJsonObject(item) ? { ...item, tag: index + 1 } : { content: item, tag: index + 1 };
    });
    put(shown, ec2Name(name, member), items.length === 1 ? items[0] : items);
  }
  return shown;
}

export function renderEc2Output(
  service: Service,
  operationName: string,
  input: StructureShape | undefined,
  shape: StructureShape | undefined,
  output: JsonObject,
  requestId: string | undefined,
): JsonObject {
  const named: JsonObject = requestId === undefined ? {} : { requestId };
  const empty: StructureShape = { t: "structure", m: {} };
  if (isFirstApi(operationName, input)) {
    const shown = answer(service, shape ?? empty, output, "first");
    // The models leave out the bare acknowledgement that these operations answer with.
    const rendered =
      isJsonObject(shown) && Object.keys(shown).length > 0 ? shown : { _return: true };
    return { ...named, ...rendered };
  }
  const shown = answer(service, shape ?? empty, output, "newer");
  return {
    [`${operationName}Response`]: {
      xmlns: `http://ec2.amazonaws.com/doc/${service.apiVersion}/`,
      ...named,
      ...(isJsonObject(shown) ? shown : {}),
    },
  };
}

function answer(
  service: Service,
  shape: Shape,
  value: JsonValue,
  form: "first" | "newer",
): JsonValue {
  switch (shape.t) {
    case "structure": {
      if (!isJsonObject(value)) return value;
      const shown: JsonObject = {};
      for (const [name, each] of Object.entries(value)) {
        const member = Object.hasOwn(shape.m, name) ? shape.m[name] : undefined;
        if (member === undefined) continue;
        const wire = wireName(name, member);
        const key = form === "first" && wire === "return" ? "_return" : wire;
        put(shown, key, answer(service, shapeOf(service, member.s), each, form));
      }
      return shown;
    }
    case "list": {
      if (!Array.isArray(value)) return value;
      const inner = shapeOf(service, shape.e.s);
      const items = value.map((each) => answer(service, inner, each, form));
      if (form === "first") return items.length === 0 ? {} : { items };
      if (items.length === 0) return "";
      return { item: items.length === 1 ? (items[0] ?? null) : items };
    }
    case "timestamp": {
      const timeMs = typeof value === "string" ? Date.parse(value) : Number.NaN;
      return form === "first" && !Number.isNaN(timeMs) ? timeMs : value;
    }
    case "blob":
    case "boolean":
    case "document":
    case "double":
    case "float":
    case "integer":
    case "long":
    case "map":
    case "string":
      return value;
  }
}

// From a call on the wire to what its event says. The gateway, the capture library's door and Cairn's own AWS door all
// describe their calls here, so that one rule hides a secret everywhere.
import { isJsonObject, type JsonObject, type JsonValue } from "../event/json.ts";
import type { DescribedCall, ObservedCall } from "./call.ts";
import { type OperationProfile, type Profile, profileOf } from "./profile.ts";
import { withoutAttributeValues } from "./profile-attributes.ts";
import { HiddenValues, Hider } from "./profile-hide.ts";
import { hideClaims, hideFilter, isVouchedFor, scrub, subOf } from "./profile-people.ts";
import { lowerFirst, orNull, render, renderRules } from "./profile-render.ts";
import { renderEc2Input, renderEc2Output } from "./profile-render-ec2.ts";
import { renderS3Input, renderS3Output, s3AdditionalData } from "./profile-render-s3.ts";
import { type Place, resourcesOf } from "./profile-resources.ts";
import { profiles } from "./profiles/all.ts";
import { type DecodedOutput, decodeInput, decodeOutput, decodeVerdict } from "./protocol/decode.ts";
import { isEmpty, structureOf } from "./protocol/shape.ts";
import type { Operation, Protocol, Service, StructureShape } from "./service.ts";

/** A request that the catalog has recognised. */
export interface RecognisedCall {
  service: Service;
  operationName: string;
  operation: Operation;
  /** Decoded, by the names in the operation's path. */
  labels: Readonly<Record<string, string>>;
  /** The one that this request speaks. */
  protocol: Protocol;
}

const noStructure: StructureShape = { t: "structure", m: {} };

/** Never throws: what cannot be read is absent, and the call is still described. */
export function describeCall(
  recognised: RecognisedCall,
  call: ObservedCall,
  place?: Place,
): DescribedCall {
  const { service, operationName, operation } = recognised;
  const profile = profileOf(profiles, service);
  const rule = operationRule(profile, operationName);
  const readOnly = rule.readOnly ?? operation.read === true;
  const data = profile.data?.find((each) => each.operations.includes(operationName));
  const apiVersion = profile.apiVersion;
  // One object, filled in as things are found: copies of it cost as much as reading a small body.
  const described: DescribedCall = {
    recorded: true,
    eventSource: profile.eventSource ?? service.eventSource,
    eventName: rule.eventName ?? operationName,
    readOnly,
    managementEvent: data === undefined,
    eventCategory: data === undefined ? "Management" : "Data",
    requestParameters: null,
    responseElements: null,
  };
  if (apiVersion !== undefined) described.apiVersion = apiVersion;
  const reason = unrecordedReason(service, operationName, call.path);
  if (reason !== undefined) {
    described.recorded = false;
    described.reason = reason;
    return described;
  }

  const showsResponse = rule.response ?? !readOnly;
  const description = new Description(recognised, profile, rule, call, showsResponse);
  const resources = resourcesOf(
    data?.resources ?? profile.resources?.[operationName] ?? profile.resources?.["*"] ?? [],
    description.input,
    place,
  );
  const additional = description.additionalEventData();
  const requestID = description.output.requestId;
  Object.assign(described, description.fault());
  described.requestParameters = description.requestParameters();
  if (showsResponse) described.responseElements = description.responseElements();
  if (additional !== undefined) described.additionalEventData = additional;
  if (requestID !== undefined) described.requestID = requestID;
  if (resources.length > 0) described.resources = resources;
  return described;
}

/** What the call is about, recorded or not; none where its parameters do not say. */
export function resourcesAskedFor(
  recognised: RecognisedCall,
  call: ObservedCall,
  place: Place,
): NonNullable<DescribedCall["resources"]> {
  const { service, operationName } = recognised;
  const profile = profileOf(profiles, service);
  const rule = operationRule(profile, operationName);
  const data = profile.data?.find((each) => each.operations.includes(operationName));
  const rules =
    data?.resources ?? profile.resources?.[operationName] ?? profile.resources?.["*"] ?? [];
  if (rules.length === 0) return [];
  const { input } = new Description(recognised, profile, rule, call, false);
  return resourcesOf(rules, input, place);
}

/** Why the service's documents say that a call is not recorded; undefined where it is. */
export function unrecordedReason(
  service: Service,
  operationName: string,
  path: string,
): string | undefined {
  const profile = profileOf(profiles, service);
  if (profile.only !== undefined && !profile.only.includes(operationName)) {
    return `${operationName} is not among the operations that ${service.id} records`;
  }
  if (profile.except?.includes(operationName) === true) return `${operationName} is not recorded`;
  return unrecordedPathReason(service, path);
}

/** The same for a request that is no operation of the API, such as a sign-in page of Cognito. */
export function unrecordedPathReason(service: Service, path: string): string | undefined {
  const found = profileOf(profiles, service).unrecordedPaths?.find((each) =>
    each.endsWith("/") ? path.startsWith(each) : path === each || path.startsWith(`${each}/`),
  );
  return found === undefined
    ? undefined
    : `${found} is a sign-in or federation path, which is not recorded`;
}

function operationRule(profile: Profile, operationName: string): OperationProfile {
  const rules = profile.operations;
  return rules !== undefined && Object.hasOwn(rules, operationName)
    ? (rules[operationName] ?? {})
    : {};
}

/** One call being described: everything is read, then everything is cleaned, and only then is anything rendered. */
class Description {
  /** As read: only for finding resources, the sub and the like, never for showing. */
  readonly input: JsonObject | undefined;
  readonly output: DecodedOutput;
  readonly #recognised: RecognisedCall;
  readonly #profile: Profile;
  readonly #rule: OperationProfile;
  readonly #call: ObservedCall;
  readonly #hidden: HiddenValues;
  readonly #inputShape: StructureShape | undefined;
  readonly #outputShape: StructureShape | undefined;
  readonly #cleanInput: JsonObject | undefined;
  readonly #cleanOutput: JsonObject | undefined;

  constructor(
    recognised: RecognisedCall,
    profile: Profile,
    rule: OperationProfile,
    call: ObservedCall,
    showsResponse: boolean,
  ) {
    const { service, operation, labels, protocol } = recognised;
    this.#recognised = recognised;
    this.#profile = profile;
    this.#rule = rule;
    this.#call = call;
    this.#hidden = new HiddenValues(profile.people === true);
    this.#inputShape = structureOf(service, operation.in);
    this.#outputShape = structureOf(service, operation.out);
    this.input = decodeInput(service, operation, labels, call, protocol);
    // Long answers of listings are only read where something in them is needed.
    this.output =
      showsResponse || profile.people === true
        ? decodeOutput(service, operation, call, protocol)
        : decodeVerdict(call, protocol);
    this.#cleanInput = this.#clean(this.#inputShape, this.input, false);
    this.#cleanOutput = this.#clean(
      this.#outputShape,
      this.output.output,
      profile.unmodelledResponse === true,
    );
    if (profile.people === true) {
      if (this.#cleanInput !== undefined) hideFilter(this.#cleanInput, this.#hidden);
      hideClaims(this.input, this.#hidden);
      hideClaims(this.output.output, this.#hidden);
    }
  }

  requestParameters(): JsonObject | null {
    const { service, operation, operationName, protocol } = this.#recognised;
    const shape = this.#inputShape ?? noStructure;
    const input = this.#cleanInput ?? {};
    const style = this.#profile.style ?? "camel";
    switch (style) {
      case "s3":
        return orNull(renderS3Input(service, operation, shape, input, this.#call));
      case "ec2":
        return orNull(renderEc2Input(service, operationName, shape, input));
      case "camel":
      case "wire": {
        const rules = renderRules(this.#profile, protocol);
        const shown = asObject(render(service, shape, input, rules));
        const placed = this.#profile.bodyUnderInput === true ? this.#underInput(shown) : shown;
        return orNull(
          this.#scrubbed({ ...this.#profile.defaults, ...this.#rule.defaults, ...placed }),
        );
      }
    }
  }

  responseElements(): JsonObject | null {
    const { response } = this.#call;
    if (response === undefined || this.output.error !== undefined) return null;
    const { service, operationName, protocol } = this.#recognised;
    const output = this.#cleanOutput ?? {};
    const shape = this.#outputShape ?? noStructure;
    const style = this.#profile.style ?? "camel";
    switch (style) {
      case "s3":
        return orNull(renderS3Output(shape, output));
      case "ec2":
        return orNull(
          renderEc2Output(
            service,
            operationName,
            this.#inputShape,
            this.#outputShape,
            output,
            this.output.requestId,
          ),
        );
      case "camel":
      case "wire": {
        const shown = asObject(
          render(service, shape, output, renderRules(this.#profile, protocol)),
        );
        return orNull(
          this.#scrubbed(this.#profile.unwrapsResponse === true ? withoutOuterName(shown) : shown),
        );
      }
    }
  }

  additionalEventData(): JsonObject | undefined {
    if (this.#profile.style === "s3") return s3AdditionalData(this.#call);
    if (this.#profile.people !== true) return undefined;
    const { error, output } = this.output;
    const isVouched = isVouchedFor(this.#call.response !== undefined, error?.code);
    const sub = subOf(isVouched ? this.input : undefined, output);
    return sub === undefined ? undefined : { sub };
  }

  fault(): { errorCode?: string; errorMessage?: string } {
    const { response } = this.#call;
    const { error } = this.output;
    // Without an answer the door knows what failed on its hop; nothing here does.
    if (response === undefined || error === undefined) return {};
    const errorCode = this.#eventErrorCode(error.code, response.status);
    return error.message === ""
      ? { errorCode }
      : { errorCode, errorMessage: this.#hidden.scrub(error.message) };
  }

  #eventErrorCode(code: string, status: number): string {
    // The records of services that answer AccessDeniedException say AccessDenied (observed in public records).
    if (code === "AccessDeniedException") return "AccessDenied";
    const known = this.#profile.errorCodes;
    if (known !== undefined && Object.hasOwn(known, code)) return known[code] ?? code;
    if (this.#profile.style === "ec2") return `${status < 500 ? "Client" : "Server"}.${code}`;
    return code;
  }

  #clean(
    shape: StructureShape | undefined,
    value: JsonObject | undefined,
    keepsUnmodelled: boolean,
  ): JsonObject | undefined {
    if (value === undefined) return undefined;
    const { service } = this.#recognised;
    const hider = new Hider(
      service,
      this.#profile,
      this.#rule.hide ?? [],
      keepsUnmodelled,
      this.#hidden,
    );
    const shown =
      this.#profile.attributeValues === true ? asObject(withoutAttributeValues(value)) : value;
    const clean = asObject(hider.clean(shape ?? noStructure, shown));
    return isEmpty(clean) ? undefined : clean;
  }

  /** API Gateway v1: labels and query stand for themselves, the body's members under `createStageInput`. */
  #underInput(shown: JsonObject): JsonObject {
    const outer: JsonObject = {};
    const inner: JsonObject = {};
    const shape = this.#inputShape ?? noStructure;
    const inHead = new Set(
      Object.entries(shape.m).flatMap(([name, member]) =>
        member.loc === undefined ? [] : [lowerFirst(name)],
      ),
    );
    for (const [name, value] of Object.entries(shown)) {
      (inHead.has(name) ? outer : inner)[name] = value;
    }
    return isEmpty(inner)
      ? outer
      : { ...outer, [`${lowerFirst(this.#recognised.operationName)}Input`]: inner };
  }

  #scrubbed(shown: JsonObject): JsonObject {
    return this.#profile.people === true ? asObject(scrub(shown, this.#hidden)) : shown;
  }
}

function withoutOuterName(shown: JsonObject): JsonObject {
  const [only, ...others] = Object.values(shown);
  return others.length === 0 && isJsonObject(only) ? only : shown;
}

function asObject(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

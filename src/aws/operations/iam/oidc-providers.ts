// iam: OIDC providers.
import { oidcProviderArn } from "../../../directory/oidc-providers.ts";
import { tagList } from "../../../directory/tags.ts";
import { cut, type IamCall, iamRow } from "./iam-call.ts";
import { isoTime, tagAnswer, tagsAnswer } from "./wire.ts";

export const oidcProviderRows = [
  iamRow("CreateOpenIDConnectProvider", async (call) => {
    const provider = await call.directory.oidcProviders.create(call.accountId, {
      url: call.text("Url"),
      clientIds: call.texts("ClientIDList"),
      thumbprints: call.texts("ThumbprintList"),
      tags: call.tags(),
    });
    return {
      OpenIDConnectProviderArn: oidcProviderArn(provider),
      ...tagsAnswer(provider.tags),
    };
  }),
  iamRow("GetOpenIDConnectProvider", async (call) => {
    const provider = await providerOf(call);
    return {
      Url: provider.url,
      ClientIDList: provider.clientIds,
      ThumbprintList: provider.thumbprints,
      CreateDate: isoTime(provider.createdMs),
      ...tagsAnswer(provider.tags),
    };
  }),
  iamRow("ListOpenIDConnectProviders", async (call) => {
    const providers = await call.directory.oidcProviders.list(call.accountId);
    return {
      OpenIDConnectProviderList: providers.map((each) => ({ Arn: oidcProviderArn(each) })),
    };
  }),
  iamRow("DeleteOpenIDConnectProvider", (call) =>
    call.directory.oidcProviders.delete(call.accountId, arnOf(call)),
  ),
  iamRow("UpdateOpenIDConnectProviderThumbprint", (call) =>
    call.directory.oidcProviders.setThumbprints(
      call.accountId,
      arnOf(call),
      call.texts("ThumbprintList"),
    ),
  ),
  iamRow("AddClientIDToOpenIDConnectProvider", (call) =>
    call.directory.oidcProviders.addClientId(call.accountId, arnOf(call), call.text("ClientID")),
  ),
  iamRow("RemoveClientIDFromOpenIDConnectProvider", (call) =>
    call.directory.oidcProviders.removeClientId(call.accountId, arnOf(call), call.text("ClientID")),
  ),
  iamRow("TagOpenIDConnectProvider", (call) =>
    call.directory.oidcProviders.tag(call.accountId, arnOf(call), call.tags()),
  ),
  iamRow("UntagOpenIDConnectProvider", (call) =>
    call.directory.oidcProviders.untag(call.accountId, arnOf(call), call.texts("TagKeys")),
  ),
  iamRow("ListOpenIDConnectProviderTags", async (call) => {
    const provider = await providerOf(call);
    const { page, rest } = cut(call, tagList(provider.tags), (tag) => tag.Key);
    return { Tags: page.map(tagAnswer), ...rest };
  }),
];

const arnOf = (call: IamCall) => call.text("OpenIDConnectProviderArn");

function providerOf(call: IamCall) {
  return call.directory.oidcProviders.get(call.accountId, arnOf(call));
}

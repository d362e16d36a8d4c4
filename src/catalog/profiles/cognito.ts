// Cognito: user pools, federated identities, Sync.
// Source: Cognito developer guide, "Logging Amazon Cognito API Calls with AWS CloudTrail".
import type { Profile } from "../profile.ts";

/**
 * All operations of the user pool API; hosted UI and federation are not recorded. Users are known by their sub, never by
 * name: user names, aliases, addresses, secrets, sessions, codes and tokens are hidden wherever they stand.
 */
export const cognitoUserPools: Profile = {
  people: true,
  unrecordedPaths: [
    "/oauth2/",
    "/saml2/",
    "/.well-known/",
    "/login",
    "/logout",
    "/signup",
    "/confirmUser",
    "/confirm",
    "/resendcode",
    "/forgotPassword",
    "/confirmForgotPassword",
    "/mfa",
    "/passkeys/",
    "/error",
  ],
  hide: [
    "username userId alias email emailAddress phone phoneNumber attributes userAttributes validationData",
    "secretHash session password previousPassword proposedPassword temporaryPassword secretCode userCode code",
    "confirmationCode accessToken idToken refreshToken token feedbackToken clientSecret clientSecretValue",
    "authParameters challengeParameters challengeResponses clientMetadata contextData userContextData",
    "encodedData ipAddress destination deviceName friendlyDeviceName deviceSecretVerifierConfig providerDetails",
    "providerAttributeValue destinationUser sourceUser credential credentialCreationOptions preSignedUrl",
    "sessionId originSessionId tokenSession lastIpAddress lastLocation userAgent secret",
    "eventContextData completionMessage clientSecretDescriptor credentialId friendlyCredentialName",
  ].flatMap((line) => line.split(" ")),
  // The models call the app client's id sensitive; it is not a user's.
  show: ["clientId", "userPoolId"],
};

/** Exactly these are recorded. */
export const cognitoIdentity: Profile = {
  unmodelledResponse: true,
  only: [
    "CreateIdentityPool",
    "DeleteIdentityPool",
    "DescribeIdentityPool",
    "GetIdentityPoolRoles",
    "ListIdentityPools",
    "SetIdentityPoolRoles",
    "UpdateIdentityPool",
  ],
};

/** Exactly these are recorded. */
export const cognitoSync: Profile = {
  unmodelledResponse: true,
  only: [
    "BulkPublish",
    "DescribeIdentityPoolUsage",
    "GetBulkPublishDetails",
    "GetCognitoEvents",
    "GetIdentityPoolConfiguration",
    "ListIdentityPoolUsage",
    "SetCognitoEvents",
    "SetIdentityPoolConfiguration",
  ],
};

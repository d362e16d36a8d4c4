// Which values of a record name a resource: the table behind LookupEvents' `Resources`.
//
// The real service's table is not published. This one follows the resource types that its documents list and lookups
// that were pasted in public repositories: a value counts under each spelling that the record has (name, id, ARN), so
// that a search finds any of them. `q.` stands for requestParameters, `s.` for responseElements, `[]` for each element
// of an array.

export interface ResourceRule {
  type: string;
  paths: readonly string[];
  /** Only for events whose name matches: where one member name means different things in one API. */
  only?: RegExp;
}

/** In an EC2 record, sets are objects with an `items` array. */
const items = (sets: readonly string[], member: string) =>
  sets.flatMap((set) => [`q.${set}.items[].${member}`, `s.${set}.items[].${member}`]);

const tags = ["q.resourceArn", "q.resourceARN"];

/** By event source. */
export const resourceTable: Record<string, readonly ResourceRule[]> = {
  "amplify.amazonaws.com": [
    { type: "AWS::Amplify::App", paths: ["q.appId", "s.app.appId", "s.app.appArn"] },
    {
      type: "AWS::Amplify::Branch",
      paths: ["q.branchName", "s.branch.branchName", "s.branch.branchArn"],
    },
    {
      type: "AWS::Amplify::Domain",
      paths: [
        "q.domainName",
        "s.domainAssociation.domainName",
        "s.domainAssociation.domainAssociationArn",
      ],
    },
    {
      type: "AWS::Amplify::Webhook",
      paths: ["q.webhookId", "s.webhook.webhookId", "s.webhook.webhookArn"],
    },
    {
      type: "AWS::Amplify::BackendEnvironment",
      paths: [
        "q.environmentName",
        "s.backendEnvironment.environmentName",
        "s.backendEnvironment.backendEnvironmentArn",
      ],
    },
    { type: "", paths: tags },
  ],
  "amplifybackend.amazonaws.com": [
    { type: "AWS::Amplify::App", paths: ["q.appId", "s.appId"] },
    {
      type: "AWS::Amplify::BackendEnvironment",
      paths: ["q.backendEnvironmentName", "s.backendEnvironmentName"],
    },
  ],
  "amplifyuibuilder.amazonaws.com": [
    { type: "AWS::Amplify::App", paths: ["q.appId", "s.entity.appId"] },
    { type: "AWS::AmplifyUIBuilder::Component", paths: ["q.id", "s.entity.id"], only: /Component/ },
    { type: "AWS::AmplifyUIBuilder::Form", paths: ["q.id", "s.entity.id"], only: /Form/ },
    { type: "AWS::AmplifyUIBuilder::Theme", paths: ["q.id", "s.entity.id"], only: /Theme/ },
    {
      type: "AWS::AmplifyUIBuilder::Component",
      paths: ["q.componentToCreate.name", "q.updatedComponent.name"],
    },
    { type: "AWS::AmplifyUIBuilder::Form", paths: ["q.formToCreate.name", "q.updatedForm.name"] },
    {
      type: "AWS::AmplifyUIBuilder::Theme",
      paths: ["q.themeToCreate.name", "q.updatedTheme.name"],
    },
  ],
  "mobilehub.amazonaws.com": [
    {
      type: "AWS::MobileHub::Project",
      paths: [
        "q.projectId",
        "q.name",
        "s.details.projectId",
        "s.details.name",
        "s.projectId",
        "s.deletedResources[].projectId",
      ],
      only: /Project/,
    },
    { type: "AWS::MobileHub::Bundle", paths: ["q.bundleId"] },
  ],
  "devops-guru.amazonaws.com": [
    { type: "AWS::DevOpsGuru::Insight", paths: ["q.insightId"] },
    { type: "AWS::DevOpsGuru::Insight", paths: ["q.id"], only: /Insight/ },
    { type: "AWS::DevOpsGuru::Anomaly", paths: ["q.id"], only: /Anomal/ },
    {
      type: "AWS::DevOpsGuru::NotificationChannel",
      paths: ["q.id", "s.id"],
      only: /NotificationChannel/,
    },
    { type: "AWS::SNS::Topic", paths: ["q.config.sns.topicArn"] },
  ],
  "cognito-idp.amazonaws.com": [
    {
      type: "AWS::Cognito::UserPool",
      paths: ["q.userPoolId", "s.userPool.id", "s.userPool.arn"],
    },
    { type: "AWS::Cognito::UserPool", paths: ["q.poolName", "s.userPool.name"] },
    {
      type: "AWS::Cognito::UserPoolClient",
      paths: ["q.clientId", "q.clientName", "s.userPoolClient.clientId"],
    },
    { type: "AWS::Cognito::UserPoolGroup", paths: ["q.groupName", "s.group.groupName"] },
    { type: "AWS::Cognito::UserPoolDomain", paths: ["q.domain"] },
    {
      type: "AWS::Cognito::UserPoolIdentityProvider",
      paths: ["q.providerName", "s.identityProvider.providerName"],
    },
    {
      type: "AWS::Cognito::UserPoolResourceServer",
      paths: ["q.identifier", "s.resourceServer.identifier"],
    },
    { type: "AWS::Cognito::UserPoolUserImportJob", paths: ["q.jobId", "s.userImportJob.jobId"] },
    { type: "", paths: tags },
  ],
  "cognito-identity.amazonaws.com": [
    {
      type: "AWS::Cognito::IdentityPool",
      paths: ["q.identityPoolId", "s.identityPoolId", "q.identityPoolName", "s.identityPoolName"],
    },
    { type: "AWS::Cognito::Identity", paths: ["q.identityId", "s.identityId"] },
    { type: "", paths: tags },
  ],
  "cognito-sync.amazonaws.com": [
    { type: "AWS::Cognito::IdentityPool", paths: ["q.identityPoolId", "s.identityPoolId"] },
    { type: "AWS::Cognito::Identity", paths: ["q.identityId"] },
  ],
  "apigateway.amazonaws.com": [
    { type: "AWS::ApiGateway::RestApi", paths: ["q.restApiId"] },
    { type: "AWS::ApiGateway::RestApi", paths: ["s.id"], only: /^(Create|Import)RestApi$/ },
    { type: "AWS::ApiGateway::Resource", paths: ["q.resourceId"] },
    { type: "AWS::ApiGateway::Deployment", paths: ["q.deploymentId", "s.deploymentId"] },
    {
      type: "AWS::ApiGateway::Stage",
      paths: ["q.stageName", "q.createStageInput.stageName", "s.stageName"],
    },
    { type: "AWS::ApiGateway::Authorizer", paths: ["q.authorizerId", "s.authorizerId"] },
    { type: "AWS::ApiGateway::Model", paths: ["q.modelName"] },
    { type: "AWS::ApiGateway::ApiKey", paths: ["q.apiKey", "q.keyId"] },
    { type: "AWS::ApiGateway::UsagePlan", paths: ["q.usagePlanId", "q.usageplanId"] },
    { type: "AWS::ApiGateway::DomainName", paths: ["q.domainName", "s.domainName"] },
    { type: "AWS::ApiGateway::VpcLink", paths: ["q.vpcLinkId", "q.vpclinkId", "s.vpcLinkId"] },
    {
      type: "AWS::ApiGateway::ClientCertificate",
      paths: ["q.clientCertificateId", "s.clientCertificateId"],
    },
    { type: "AWS::ApiGatewayV2::Api", paths: ["q.apiId", "s.apiId"] },
    { type: "AWS::ApiGatewayV2::Route", paths: ["q.routeId", "s.routeId"] },
    { type: "AWS::ApiGatewayV2::Integration", paths: ["q.integrationId", "s.integrationId"] },
    { type: "", paths: tags },
  ],
  "iam.amazonaws.com": [
    {
      type: "AWS::IAM::User",
      paths: [
        "q.userName",
        "q.newUserName",
        "s.user.userName",
        "s.user.arn",
        "s.user.userId",
        "s.accessKey.userName",
        "s.loginProfile.userName",
      ],
    },
    {
      type: "AWS::IAM::Role",
      paths: ["q.roleName", "s.role.roleName", "s.role.arn", "s.role.roleId"],
    },
    {
      type: "AWS::IAM::Group",
      paths: [
        "q.groupName",
        "q.newGroupName",
        "s.group.groupName",
        "s.group.arn",
        "s.group.groupId",
      ],
    },
    {
      type: "AWS::IAM::Policy",
      paths: [
        "q.policyArn",
        "q.policyName",
        "s.policy.policyName",
        "s.policy.arn",
        "s.policy.policyId",
        "q.permissionsBoundary",
      ],
    },
    {
      type: "AWS::IAM::InstanceProfile",
      paths: [
        "q.instanceProfileName",
        "s.instanceProfile.instanceProfileName",
        "s.instanceProfile.arn",
        "s.instanceProfile.instanceProfileId",
      ],
    },
    { type: "AWS::IAM::AccessKey", paths: ["q.accessKeyId", "s.accessKey.accessKeyId"] },
    {
      type: "AWS::IAM::MfaDevice",
      paths: ["q.serialNumber", "q.virtualMFADeviceName", "s.virtualMFADevice.serialNumber"],
    },
    { type: "AWS::IAM::SamlProvider", paths: ["q.sAMLProviderArn", "s.sAMLProviderArn"] },
    { type: "AWS::IAM::SamlProvider", paths: ["q.name"], only: /SAMLProvider/ },
    {
      type: "AWS::IAM::OpenIDConnectProvider",
      paths: ["q.openIDConnectProviderArn", "s.openIDConnectProviderArn"],
    },
    {
      type: "AWS::IAM::ServerCertificate",
      paths: [
        "q.serverCertificateName",
        "s.serverCertificateMetadata.serverCertificateName",
        "s.serverCertificateMetadata.arn",
      ],
    },
    {
      type: "AWS::IAM::SshPublicKey",
      paths: ["q.sSHPublicKeyId", "s.sSHPublicKey.sSHPublicKeyId"],
    },
    {
      type: "AWS::IAM::SigningCertificate",
      paths: ["q.certificateId", "s.certificate.certificateId"],
    },
    { type: "AWS::IAM::AccountAlias", paths: ["q.accountAlias"] },
  ],
  "sts.amazonaws.com": [
    { type: "AWS::IAM::AccessKey", paths: ["s.credentials.accessKeyId", "q.accessKeyId"] },
    {
      type: "AWS::STS::AssumedRole",
      paths: ["q.roleSessionName", "s.assumedRoleUser.assumedRoleId", "s.assumedRoleUser.arn"],
    },
    {
      type: "AWS::STS::FederatedUser",
      paths: ["q.name", "s.federatedUser.federatedUserId", "s.federatedUser.arn"],
    },
    { type: "AWS::IAM::Role", paths: ["q.roleArn"] },
    { type: "AWS::IAM::SamlProvider", paths: ["q.principalArn"] },
    { type: "AWS::IAM::MfaDevice", paths: ["q.serialNumber"] },
  ],
  "signin.amazonaws.com": [
    { type: "AWS::IAM::MfaDevice", paths: ["additionalEventData.MFAIdentifier"] },
    { type: "AWS::IAM::Role", paths: ["additionalEventData.SwitchTo"] },
  ],
  "s3.amazonaws.com": [
    { type: "AWS::S3::Bucket", paths: ["q.bucketName"] },
    { type: "AWS::S3::Object", paths: ["q.key"] },
  ],
  "ec2.amazonaws.com": [
    {
      type: "AWS::EC2::Instance",
      paths: [
        "q.instanceId",
        "s.instanceId",
        ...items(["instancesSet", "instanceIdSet"], "instanceId"),
        "q.CreateSnapshotsRequest.InstanceSpecification.InstanceId",
      ],
    },
    {
      type: "AWS::EC2::SecurityGroup",
      paths: [
        "q.groupId",
        "q.groupName",
        "s.groupId",
        ...items(["groupSet"], "groupId"),
        ...items(["groupSet"], "groupName"),
        "s.instancesSet.items[].groupSet.items[].groupId",
        "s.instancesSet.items[].groupSet.items[].groupName",
        ...items(["securityGroupIdSet"], "groupId"),
      ],
    },
    {
      type: "AWS::EC2::Subnet",
      paths: [
        "q.subnetId",
        "s.subnetId",
        "s.subnet.subnetId",
        "s.instancesSet.items[].subnetId",
        ...items(["subnetSet"], "subnetId"),
      ],
    },
    {
      type: "AWS::EC2::VPC",
      paths: [
        "q.vpcId",
        "s.vpcId",
        "s.vpc.vpcId",
        "s.instancesSet.items[].vpcId",
        ...items(["vpcSet"], "vpcId"),
      ],
    },
    {
      type: "AWS::EC2::Ami",
      paths: [
        "q.imageId",
        "s.imageId",
        "q.sourceImageId",
        ...items(["instancesSet", "imagesSet"], "imageId"),
      ],
    },
    {
      type: "AWS::EC2::KeyPair",
      paths: [
        "q.keyName",
        "s.keyName",
        "q.keyPairId",
        "s.keyPairId",
        ...items(["instancesSet", "keySet"], "keyName"),
      ],
    },
    {
      type: "AWS::EC2::Volume",
      paths: ["q.volumeId", "s.volumeId", ...items(["volumeSet"], "volumeId")],
    },
    {
      type: "AWS::EC2::Snapshot",
      paths: [
        "q.snapshotId",
        "s.snapshotId",
        "q.sourceSnapshotId",
        ...items(["snapshotSet"], "snapshotId"),
        "s.CreateSnapshotsResponse.snapshotSet.item.snapshotId",
      ],
    },
    {
      type: "AWS::EC2::NetworkInterface",
      paths: [
        "q.networkInterfaceId",
        "s.networkInterface.networkInterfaceId",
        "s.instancesSet.items[].networkInterfaceSet.items[].networkInterfaceId",
        ...items(["networkInterfaceIdSet", "networkInterfaceSet"], "networkInterfaceId"),
      ],
    },
    {
      type: "AWS::EC2::InternetGateway",
      paths: [
        "q.internetGatewayId",
        "s.internetGateway.internetGatewayId",
        ...items(["internetGatewayIdSet"], "internetGatewayId"),
      ],
    },
    {
      type: "AWS::EC2::NatGateway",
      paths: [
        "q.natGatewayId",
        "q.CreateNatGatewayRequest.NatGatewayId",
        "s.CreateNatGatewayResponse.natGateway.natGatewayId",
        "q.DeleteNatGatewayRequest.NatGatewayId",
      ],
    },
    {
      type: "AWS::EC2::RouteTable",
      paths: [
        "q.routeTableId",
        "s.routeTable.routeTableId",
        ...items(["routeTableIdSet"], "routeTableId"),
      ],
    },
    {
      type: "AWS::EC2::SubnetRouteTableAssociation",
      paths: ["q.associationId", "s.associationId"],
      only: /RouteTable/,
    },
    {
      type: "AWS::EC2::NetworkAcl",
      paths: [
        "q.networkAclId",
        "s.networkAcl.networkAclId",
        ...items(["networkAclIdSet"], "networkAclId"),
      ],
    },
    {
      type: "AWS::EC2::EIP",
      paths: ["q.allocationId", "s.allocationId", "q.publicIp", "s.publicIp"],
    },
    {
      type: "AWS::EC2::DHCPOptions",
      paths: ["q.dhcpOptionsId", "s.dhcpOptions.dhcpOptionsId"],
    },
    {
      type: "AWS::EC2::VPCPeeringConnection",
      paths: [
        "q.vpcPeeringConnectionId",
        "s.vpcPeeringConnection.vpcPeeringConnectionId",
        "s.vpcPeeringConnectionId",
      ],
    },
    {
      type: "AWS::EC2::VPNConnection",
      paths: ["q.vpnConnectionId", "s.vpnConnection.vpnConnectionId"],
    },
    { type: "AWS::EC2::VPNGateway", paths: ["q.vpnGatewayId", "s.vpnGateway.vpnGatewayId"] },
    {
      type: "AWS::EC2::CustomerGateway",
      paths: ["q.customerGatewayId", "s.customerGateway.customerGatewayId"],
    },
    {
      type: "AWS::EC2::VPCEndpoint",
      paths: [
        "q.CreateVpcEndpointRequest.VpcEndpointId",
        "s.CreateVpcEndpointResponse.vpcEndpoint.vpcEndpointId",
      ],
    },
    {
      type: "AWS::EC2::LaunchTemplate",
      paths: [
        "q.CreateLaunchTemplateRequest.LaunchTemplateName",
        "s.CreateLaunchTemplateResponse.launchTemplate.launchTemplateId",
        "q.launchTemplate.launchTemplateId",
        "q.launchTemplate.launchTemplateName",
      ],
    },
    { type: "AWS::EC2::FlowLog", paths: ["q.DeleteFlowLogsRequest.FlowLogId.content"] },
    { type: "AWS::EC2::PlacementGroup", paths: ["q.placementGroupName"] },
    {
      type: "AWS::IAM::InstanceProfile",
      paths: ["q.iamInstanceProfile.name", "q.iamInstanceProfile.arn"],
    },
    { type: "", paths: items(["resourcesSet"], "resourceId") },
  ],
  "lambda.amazonaws.com": [
    { type: "AWS::Lambda::Function", paths: ["q.functionName", "s.functionName", "s.functionArn"] },
    {
      type: "AWS::Lambda::LayerVersion",
      paths: ["q.layerName", "s.layerVersionArn", "s.layerArn"],
    },
    {
      type: "AWS::Lambda::EventSourceMapping",
      paths: ["q.uUID", "s.uUID"],
      only: /EventSourceMapping/,
    },
    { type: "AWS::IAM::Role", paths: ["q.role", "s.role"] },
    { type: "", paths: ["q.resource"], only: /TagResource/ },
  ],
  "dynamodb.amazonaws.com": [
    {
      type: "AWS::DynamoDB::Table",
      paths: [
        "q.tableName",
        "q.tableArn",
        "s.tableDescription.tableName",
        "s.tableDescription.tableArn",
        "s.table.tableArn",
        "q.targetTableName",
        "q.sourceTableName",
      ],
    },
    { type: "AWS::DynamoDB::Backup", paths: ["q.backupArn", "s.backupDetails.backupArn"] },
    { type: "AWS::DynamoDB::GlobalTable", paths: ["q.globalTableName"] },
    { type: "", paths: tags },
  ],
  "kms.amazonaws.com": [
    {
      type: "AWS::KMS::Key",
      paths: ["q.keyId", "q.targetKeyId", "s.keyId", "s.keyMetadata.keyId", "s.keyMetadata.arn"],
    },
    { type: "AWS::KMS::Alias", paths: ["q.aliasName"] },
  ],
  "rds.amazonaws.com": [
    {
      type: "AWS::RDS::DBInstance",
      paths: [
        "q.dBInstanceIdentifier",
        "q.newDBInstanceIdentifier",
        "q.sourceDBInstanceIdentifier",
        "q.targetDBInstanceIdentifier",
        "s.dBInstanceIdentifier",
        "s.dBInstanceArn",
      ],
    },
    {
      type: "AWS::RDS::DBCluster",
      paths: ["q.dBClusterIdentifier", "s.dBClusterIdentifier", "s.dBClusterArn"],
    },
    {
      type: "AWS::RDS::DBSnapshot",
      paths: [
        "q.dBSnapshotIdentifier",
        "q.sourceDBSnapshotIdentifier",
        "q.targetDBSnapshotIdentifier",
        "s.dBSnapshotIdentifier",
        "s.dBSnapshotArn",
      ],
    },
    {
      type: "AWS::RDS::DBClusterSnapshot",
      paths: ["q.dBClusterSnapshotIdentifier", "s.dBClusterSnapshotIdentifier"],
    },
    {
      type: "AWS::RDS::DBSubnetGroup",
      paths: ["q.dBSubnetGroupName", "s.dBSubnetGroup.dBSubnetGroupName", "s.dBSubnetGroupName"],
    },
    {
      type: "AWS::RDS::DBParameterGroup",
      paths: [
        "q.dBParameterGroupName",
        "s.dBParameterGroupName",
        "s.dBParameterGroups[].dBParameterGroupName",
      ],
    },
    {
      type: "AWS::RDS::DBSecurityGroup",
      paths: ["q.dBSecurityGroupName", "s.dBSecurityGroups[].dBSecurityGroupName"],
    },
    {
      type: "AWS::RDS::OptionGroup",
      paths: ["q.optionGroupName", "s.optionGroupMemberships[].optionGroupName"],
    },
    { type: "AWS::RDS::EventSubscription", paths: ["q.subscriptionName"] },
    {
      type: "AWS::EC2::SecurityGroup",
      paths: ["q.vpcSecurityGroupIds[]", "s.vpcSecurityGroups[].vpcSecurityGroupId"],
    },
    { type: "AWS::EC2::VPC", paths: ["s.dBSubnetGroup.vpcId"] },
    { type: "", paths: ["q.resourceName", "q.resourceArn", "q.sourceArn"] },
  ],
  "cloudtrail.amazonaws.com": [
    {
      type: "AWS::CloudTrail::Trail",
      paths: ["q.name", "s.name", "s.trailARN"],
      only: /Trail|Logging/,
    },
    { type: "AWS::CloudTrail::Trail", paths: ["q.trailName", "q.trailNameList[]", "s.trailARN"] },
    {
      type: "AWS::CloudTrail::EventDataStore",
      paths: ["q.eventDataStore", "s.eventDataStoreArn", "q.eventDataStoreArn"],
    },
    {
      type: "AWS::CloudTrail::EventDataStore",
      paths: ["q.name", "s.name"],
      only: /EventDataStore$/,
    },
    { type: "AWS::CloudTrail::Channel", paths: ["q.channel", "s.channelArn"] },
    { type: "AWS::CloudTrail::Channel", paths: ["q.name", "s.name"], only: /Channel$/ },
    { type: "AWS::CloudTrail::Dashboard", paths: ["q.dashboardId", "s.dashboardArn"] },
    { type: "AWS::S3::Bucket", paths: ["q.s3BucketName", "s.s3BucketName"] },
    { type: "AWS::SNS::Topic", paths: ["s.snsTopicARN", "q.snsTopicName"] },
    { type: "AWS::Logs::LogGroup", paths: ["q.cloudWatchLogsLogGroupArn"] },
    { type: "AWS::KMS::Key", paths: ["q.kmsKeyId", "s.kmsKeyId"] },
    { type: "", paths: ["q.resourceId", "q.resourceIdList[]", "q.resourceArn"] },
  ],
  "sns.amazonaws.com": [
    { type: "AWS::SNS::Topic", paths: ["q.topicArn", "s.topicArn"] },
    { type: "AWS::SNS::Topic", paths: ["q.name"], only: /^CreateTopic$/ },
    { type: "AWS::SNS::Subscription", paths: ["q.subscriptionArn", "s.subscriptionArn"] },
    { type: "AWS::SNS::PlatformApplication", paths: ["q.platformApplicationArn"] },
    { type: "", paths: tags },
  ],
  "sqs.amazonaws.com": [
    { type: "AWS::SQS::Queue", paths: ["q.queueUrl", "q.queueName", "s.queueUrl", "q.sourceArn"] },
  ],
  "logs.amazonaws.com": [
    {
      type: "AWS::Logs::LogGroup",
      paths: ["q.logGroupName", "q.logGroupIdentifier", "q.logGroupNames[]"],
    },
    { type: "AWS::Logs::LogStream", paths: ["q.logStreamName"] },
    { type: "AWS::Logs::MetricFilter", paths: ["q.filterName"], only: /MetricFilter/ },
    { type: "AWS::Logs::SubscriptionFilter", paths: ["q.filterName"], only: /SubscriptionFilter/ },
    { type: "AWS::Logs::Destination", paths: ["q.destinationName"] },
    { type: "", paths: tags },
  ],
  "secretsmanager.amazonaws.com": [
    {
      type: "AWS::SecretsManager::Secret",
      paths: ["q.secretId", "s.aRN", "s.arn", "s.ARN", "s.name"],
    },
    { type: "AWS::SecretsManager::Secret", paths: ["q.name"], only: /^CreateSecret$/ },
    { type: "AWS::KMS::Key", paths: ["q.kmsKeyId"] },
  ],
  "ssm.amazonaws.com": [
    { type: "AWS::SSM::Parameter", paths: ["q.name", "q.names[]"], only: /Parameter/ },
    { type: "AWS::SSM::Document", paths: ["q.name"], only: /Document/ },
    { type: "AWS::SSM::Document", paths: ["q.documentName", "s.command.documentName"] },
    { type: "AWS::EC2::Instance", paths: ["q.instanceIds[]", "q.instanceId"] },
    { type: "AWS::EC2::Instance", paths: ["q.target"], only: /^StartSession$/ },
  ],
  "ecs.amazonaws.com": [
    {
      type: "AWS::ECS::Cluster",
      paths: ["q.cluster", "q.clusterName", "s.cluster.clusterName", "s.cluster.clusterArn"],
    },
    {
      type: "AWS::ECS::Service",
      paths: ["q.service", "q.serviceName", "s.service.serviceName", "s.service.serviceArn"],
    },
    {
      type: "AWS::ECS::TaskDefinition",
      paths: ["q.taskDefinition", "q.family", "s.taskDefinition.taskDefinitionArn"],
    },
    { type: "AWS::ECS::Task", paths: ["q.task", "s.task.taskArn", "s.tasks[].taskArn"] },
    { type: "", paths: tags },
  ],
  "eks.amazonaws.com": [
    {
      type: "AWS::EKS::Cluster",
      paths: ["q.clusterName", "s.cluster.name", "s.cluster.arn", "s.update.clusterName"],
    },
    {
      type: "AWS::EKS::Cluster",
      paths: ["q.name"],
      only: /Cluster|AccessEntry|AccessPolicy|Addon|Nodegroup|FargateProfile/,
    },
    {
      type: "AWS::EKS::Nodegroup",
      paths: ["q.nodegroupName", "s.nodegroup.nodegroupName", "s.nodegroup.nodegroupArn"],
    },
    { type: "AWS::EKS::Addon", paths: ["q.addonName", "s.addon.addonArn"] },
    { type: "AWS::EKS::FargateProfile", paths: ["q.fargateProfileName"] },
    { type: "AWS::IAM::Role", paths: ["q.roleArn"] },
    { type: "", paths: ["q.principalArn", ...tags] },
  ],
  "ecr.amazonaws.com": [
    {
      type: "AWS::ECR::Repository",
      paths: ["q.repositoryName", "s.repository.repositoryName", "s.repository.repositoryArn"],
    },
  ],
  "elasticloadbalancing.amazonaws.com": [
    {
      type: "AWS::ElasticLoadBalancing::LoadBalancer",
      paths: ["q.loadBalancerName", "q.loadBalancerNames[]", "q.loadBalancerArn"],
    },
    {
      type: "AWS::ElasticLoadBalancingV2::LoadBalancer",
      paths: ["s.loadBalancers[].loadBalancerArn"],
    },
    {
      type: "AWS::ElasticLoadBalancingV2::TargetGroup",
      paths: ["q.targetGroupArn", "s.targetGroups[].targetGroupArn"],
    },
    { type: "AWS::ElasticLoadBalancingV2::Listener", paths: ["q.listenerArn"] },
    { type: "", paths: ["q.resourceArns[]"] },
  ],
  "autoscaling.amazonaws.com": [
    { type: "AWS::AutoScaling::AutoScalingGroup", paths: ["q.autoScalingGroupName"] },
    { type: "AWS::AutoScaling::LaunchConfiguration", paths: ["q.launchConfigurationName"] },
    { type: "AWS::AutoScaling::ScalingPolicy", paths: ["q.policyName"] },
  ],
  "cloudformation.amazonaws.com": [
    { type: "AWS::CloudFormation::Stack", paths: ["q.stackName", "q.stackId", "s.stackId"] },
    { type: "AWS::CloudFormation::StackSet", paths: ["q.stackSetName"] },
    { type: "AWS::CloudFormation::ChangeSet", paths: ["q.changeSetName"] },
  ],
  "monitoring.amazonaws.com": [
    { type: "AWS::CloudWatch::Alarm", paths: ["q.alarmName", "q.alarmNames[]"] },
    { type: "AWS::CloudWatch::Dashboard", paths: ["q.dashboardName"] },
  ],
  "events.amazonaws.com": [
    { type: "AWS::Events::Rule", paths: ["q.name"], only: /Rule/ },
    { type: "AWS::Events::Rule", paths: ["q.rule", "s.ruleArn"] },
    { type: "AWS::Events::EventBus", paths: ["q.eventBusName"] },
  ],
  "kinesis.amazonaws.com": [
    { type: "AWS::Kinesis::Stream", paths: ["q.streamName", "q.streamARN"] },
  ],
  "firehose.amazonaws.com": [
    { type: "AWS::KinesisFirehose::DeliveryStream", paths: ["q.deliveryStreamName"] },
  ],
  "states.amazonaws.com": [
    { type: "AWS::StepFunctions::StateMachine", paths: ["q.stateMachineArn", "s.stateMachineArn"] },
  ],
  "route53.amazonaws.com": [
    { type: "AWS::Route53::HostedZone", paths: ["q.hostedZoneId", "q.id", "s.hostedZone.id"] },
  ],
  "cloudfront.amazonaws.com": [
    {
      type: "AWS::CloudFront::Distribution",
      paths: ["q.id", "s.distribution.id", "s.distribution.aRN"],
      only: /Distribution/,
    },
  ],
  "acm.amazonaws.com": [
    { type: "AWS::ACM::Certificate", paths: ["q.certificateArn", "s.certificateArn"] },
  ],
  "elasticfilesystem.amazonaws.com": [
    { type: "AWS::EFS::FileSystem", paths: ["q.fileSystemId", "s.fileSystemId"] },
    { type: "AWS::EFS::MountTarget", paths: ["q.mountTargetId", "s.mountTargetId"] },
  ],
  "guardduty.amazonaws.com": [
    { type: "AWS::GuardDuty::Detector", paths: ["q.detectorId", "s.detectorId"] },
    { type: "AWS::GuardDuty::IPSet", paths: ["q.ipSetId", "s.ipSetId"] },
  ],
  "config.amazonaws.com": [
    {
      type: "AWS::Config::ConfigurationRecorder",
      paths: ["q.configurationRecorderName", "q.configurationRecorder.name"],
    },
    { type: "AWS::Config::DeliveryChannel", paths: ["q.deliveryChannelName"] },
    { type: "AWS::Config::ConfigRule", paths: ["q.configRuleName", "q.configRule.configRuleName"] },
  ],
  "organizations.amazonaws.com": [
    {
      type: "AWS::Organizations::Account",
      paths: ["q.accountId", "s.createAccountStatus.accountId"],
    },
    { type: "AWS::Organizations::Policy", paths: ["q.policyId"] },
  ],
  "codebuild.amazonaws.com": [
    { type: "AWS::CodeBuild::Project", paths: ["q.projectName", "q.projectArn", "s.project.arn"] },
  ],
  "glue.amazonaws.com": [
    { type: "AWS::Glue::Database", paths: ["q.databaseName"] },
    { type: "AWS::Glue::Table", paths: ["q.tableName"] },
  ],
  "redshift.amazonaws.com": [
    { type: "AWS::Redshift::Cluster", paths: ["q.clusterIdentifier", "s.clusterIdentifier"] },
  ],
  "elasticache.amazonaws.com": [
    { type: "AWS::ElastiCache::CacheCluster", paths: ["q.cacheClusterId", "s.cacheClusterId"] },
  ],
  "bedrock.amazonaws.com": [
    { type: "AWS::Bedrock::Guardrail", paths: ["q.guardrailIdentifier", "s.guardrailArn"] },
    { type: "AWS::Bedrock::Model", paths: ["q.modelId", "q.modelIdentifier"] },
  ],
  "ec2-instance-connect.amazonaws.com": [{ type: "AWS::EC2::Instance", paths: ["q.instanceId"] }],
  "wafv2.amazonaws.com": [{ type: "", paths: ["q.resourceArn"] }],
  "ses.amazonaws.com": [
    { type: "AWS::SES::EmailIdentity", paths: ["q.identity", "q.identities[]"] },
  ],
};

# Pages through LookupEvents with boto3 and prints each event's id and its JSON, one JSON array a line.
# Arguments: attribute key and value (empty: none). The environment says where the server is.
import json
import os
import sys

import boto3

client = boto3.client("cloudtrail", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
attributes = [{"AttributeKey": sys.argv[1], "AttributeValue": sys.argv[2]}] if sys.argv[1] else []
for page in client.get_paginator("lookup_events").paginate(LookupAttributes=attributes):
    for event in page["Events"]:
        print(json.dumps([event["EventId"], event["CloudTrailEvent"]]))

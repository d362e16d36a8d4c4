# Asks LookupEvents each question of standard input, {region, attribute?}, and prints the answers as one JSON array of
# [EventId, CloudTrailEvent] pairs for each. The environment says where the server is.
import json
import os
import sys

import boto3

answers = []
for question in json.load(sys.stdin):
    client = boto3.client(
        "cloudtrail", endpoint_url=os.environ["AWS_ENDPOINT_URL"], region_name=question["region"]
    )
    asked = question.get("attribute")
    attributes = [{"AttributeKey": asked[0], "AttributeValue": asked[1]}] if asked else []
    pages = client.get_paginator("lookup_events").paginate(LookupAttributes=attributes)
    answers.append(
        [[event["EventId"], event["CloudTrailEvent"]] for page in pages for event in page["Events"]]
    )
json.dump(answers, sys.stdout)

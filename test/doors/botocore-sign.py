# Signs requests with botocore's own signer: JSON in, and canonical request, string to sign and signature of each out.
import json
import sys

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

given = json.load(sys.stdin)
credentials = Credentials(given["accessKeyId"], given["secretAccessKey"])
answers = []
for each in given["requests"]:
    kind = S3SigV4Auth if each["service"] == "s3" else SigV4Auth
    signer = kind(credentials, each["service"], each["region"])
    request = AWSRequest(
        method=each["method"],
        url="http://" + each["host"] + each["path"],
        data=each["body"].encode("utf-8"),
        params=[tuple(pair) for pair in each["parameters"]],
    )
    # The time is given, so that nothing depends on a clock.
    request.context["timestamp"] = each["signedAt"]
    request.context["payload_signing_enabled"] = True
    for name, value in each["headers"]:
        request.headers.add_header(name, value)
    canonical = signer.canonical_request(request)
    text = signer.string_to_sign(request, canonical)
    answers.append(
        {
            "canonicalRequest": canonical,
            "stringToSign": text,
            "signature": signer.signature(text, request),
            "signedHeaders": signer.signed_headers(signer.headers_to_sign(request)),
        }
    )
json.dump(answers, sys.stdout)

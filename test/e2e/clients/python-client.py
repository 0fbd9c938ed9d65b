"""Carries calls between a test and a RealChat edge with the stubs that grpcio-tools generates from the contract.

Arguments: the edge's `host:port`, and the file of the certificate authority to trust. One JSON object a line on standard
input asks for something; one a line on standard output answers it, under the same `id`.

  {"id": 1, "call": "/realchat.auth.v1.AuthService/Login", "request": {...}, "metadata": [["authorization", "..."]]}
  {"id": 2, "cancel": 1}

A unary call answers one `message` and `end`, a stream any number of them. An `end` with a code other than 0 has the
details of the status in base64.
"""

import base64
import importlib
import json
import sys
import threading

import grpc
from google.protobuf import json_format

UNARY_DEADLINE_S = 20
running = {}
writing = threading.Lock()


def answer(**fields):
    with writing:
        sys.stdout.write(json.dumps(fields) + "\n")
        sys.stdout.flush()


def stub_method(channel, path):
    """The method of the generated stub, and the class of its requests."""
    _, service_name, method_name = path.split("/")
    package, _, service = service_name.rpartition(".")
    module = package.replace(".", "/") + "/" + snake_case(service)
    stubs = importlib.import_module(module.replace("/", ".") + "_pb2_grpc")
    messages = importlib.import_module(module.replace("/", ".") + "_pb2")
    descriptor = messages.DESCRIPTOR.services_by_name[service].methods_by_name[method_name]
    request_class = getattr(messages, descriptor.input_type.name)
    return getattr(getattr(stubs, service + "Stub")(channel), method_name), request_class, descriptor.server_streaming


def snake_case(name):
    return "".join("_" + c.lower() if c.isupper() else c for c in name).lstrip("_")


def carry_out(channel, ask):
    call_id = ask["id"]
    method, request_class, streaming = stub_method(channel, ask["call"])
    request = json_format.ParseDict(ask["request"], request_class())
    metadata = [tuple(pair) for pair in ask.get("metadata", [])]
    try:
        if streaming:
            call = running[call_id] = method(request, metadata=metadata)
            for message in call:
                answer(id=call_id, message=json_format.MessageToDict(message))
        else:
            message = method(request, metadata=metadata, timeout=UNARY_DEADLINE_S)
            answer(id=call_id, message=json_format.MessageToDict(message))
        answer(id=call_id, end={"code": 0})
    except grpc.RpcError as error:
        trailers = dict(error.trailing_metadata() or [])
        details = base64.b64encode(trailers.get("grpc-status-details-bin", b"")).decode()
        answer(id=call_id, end={"code": error.code().value[0], "message": error.details(), "details": details})
    finally:
        running.pop(call_id, None)


def main():
    address, authority = sys.argv[1:]
    with open(authority, "rb") as file:
        credentials = grpc.ssl_channel_credentials(file.read())
    with grpc.secure_channel(address, credentials) as channel:
        for line in sys.stdin:
            ask = json.loads(line)
            if "cancel" in ask:
                call = running.get(ask["cancel"])
                if call:
                    call.cancel()
            else:
                threading.Thread(target=carry_out, args=(channel, ask), daemon=True).start()


main()

"""A server of S3 on this machine, with users who need credentials, and archives in it."""

import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import boto3
import s3fs
from moto.server import ThreadedMotoServer

ALLOW = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}


@dataclass
class ObjectStore:
    """A server of S3 with one user, and a client with this user's credentials."""

    environment: dict[str, str]
    client: Any

    def put(self, bucket: str, files: Mapping[str, bytes]) -> None:
        """Store files in a bucket, which is made unless it exists."""
        self.client.create_bucket(Bucket=bucket)
        for name, content in files.items():
            self.client.put_object(Bucket=bucket, Key=name, Body=content)


@contextmanager
def object_store() -> Iterator[ObjectStore]:
    """Start a server that refuses requests without the credentials in ``environment``."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    try:
        yield _with_user(url)
    finally:
        server.stop()


def _with_user(url: str) -> ObjectStore:
    anyone = {"endpoint_url": url, "region_name": "us-east-1"}
    iam = boto3.client("iam", aws_access_key_id="any", aws_secret_access_key="any", **anyone)
    iam.create_user(UserName="reader")
    iam.put_user_policy(UserName="reader", PolicyName="all", PolicyDocument=json.dumps(ALLOW))
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    with urlopen(
        Request(f"{url}/moto-api/reset-auth", b"0", {"Content-Type": "text/plain"})
    ):  # from now on, requests are checked
        pass
    names = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    client = boto3.client("s3", **{name.lower(): value for name, value in names.items()}, **anyone)
    return ObjectStore({**names, "AWS_ENDPOINT_URL": url, "AWS_DEFAULT_REGION": "us-east-1"}, client)


def forget_connections() -> None:
    """Make the next request use the environment's credentials, as in a new process."""
    s3fs.S3FileSystem.clear_instance_cache()


def tar_of(files: Mapping[str, bytes]) -> bytes:
    """An archive of files by name."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name, own in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(own)
            archive.addfile(info, io.BytesIO(own))
    return content.getvalue()


def shards_of(files: Mapping[str, bytes], number: int) -> dict[str, bytes]:
    """Archives by name, with as many samples each; the files of a sample differ only in their suffixes."""
    keys = sorted({Path(name).stem for name in files})
    size = -(-len(keys) // number)
    own = [keys[first : first + size] for first in range(0, len(keys), size)]
    return {
        f"x-{shard:05}.tar": tar_of({name: content for name, content in files.items() if Path(name).stem in part})
        for shard, part in enumerate(own)
    }

# SPDX-License-Identifier: BSD-2-Clause
"""certs -- a lab's own certificate authority, and a certificate for each host that speaks TLS.

A node is named by a URI, gemel:pair/REGION/node/N, with N 0 or 1; the witness by
its name and addresses.
"""

import os
import subprocess
import tempfile

from . import plan
from .plan import LabError

CONFIG = "[req]\ndistinguished_name = name\n[name]\n"
KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"]


def names():
    """Host -> its subjectAltName."""
    found = {name: f"URI:gemel:pair/{region}/node/{number}"
             for region in plan.REGIONS for number, name in enumerate(plan.region_nodes(region))}
    found["witness"] = f"DNS:witness,IP:{plan.address('witness')},IP:{plan.address6('witness')}"
    return found


def sign(folder, name, extensions, more):
    argv = ["openssl", "req", "-x509", "-config", os.path.join(folder, "config"), *KEY,
            "-days", "30", "-subj", f"/CN={name}", "-keyout", os.path.join(folder, name + ".key"),
            "-out", os.path.join(folder, name + ".pem"), *more]
    for extension in extensions:
        argv += ["-addext", extension]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabError(f"openssl req: {done.stderr.strip()}")


def make():
    """Host -> (authority, certificate, key), each as PEM."""
    with tempfile.TemporaryDirectory(prefix="gemel-lab-") as folder:
        def read(name):
            with open(os.path.join(folder, name), encoding="ascii") as file:
                return file.read()

        with open(os.path.join(folder, "config"), "w", encoding="ascii") as file:
            file.write(CONFIG)
        sign(folder, "ca", ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign"], [])
        by_ca = ["-CA", os.path.join(folder, "ca.pem"), "-CAkey", os.path.join(folder, "ca.key")]
        for host, name in names().items():
            sign(folder, host, ["basicConstraints=critical,CA:FALSE",
                                "keyUsage=critical,digitalSignature",
                                "extendedKeyUsage=serverAuth,clientAuth",
                                f"subjectAltName={name}"], by_ca)
        return {host: (read("ca.pem"), read(host + ".pem"), read(host + ".key")) for host in names()}

"""Certificates made for a test: an authority, and a node that it vouches for."""

import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Pair = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


def _certificate(name: str, by: Pair | None) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer, signing = (by[0].subject, by[1]) if by else (subject, key)
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
    made = made.not_valid_after(now + datetime.timedelta(days=1))
    made = made.add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
    return made.sign(signing, hashes.SHA256()), key


def write_certificates(folder: Path, name: str) -> dict[str, Path]:
    """Write the files ``ca``, ``cert`` and ``key`` of an authority of its own; return their paths."""
    authority = _certificate(f"authority of {name}", None)
    certificate, key = _certificate(name, authority)
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    contents = {
        "ca": authority[0].public_bytes(pem),
        "cert": certificate.public_bytes(pem),
        "key": key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain),
    }
    files = {what: folder / f"{name}-{what}.pem" for what in contents}
    for what, content in contents.items():
        files[what].write_bytes(content)
    return files

"""The passwords that ASVS 6.2.4 has refused: the first 3,000 of zxcvbn's list by frequency that have 8 characters or more.

print FILE     one a line
digests FILE   what Sources/InventoryService/Auth/CommonPasswords+Digests.swift holds

zxcvbn is a package of PyPI, pinned in ./lab; run this with the Python that `./lab validator` names.
"""

import base64
import hashlib
import sys

from zxcvbn.frequency_lists import FREQUENCY_LISTS

passwords = [word for word in FREQUENCY_LISTS["passwords"] if len(word) >= 8][:3000]
assert len(passwords) == 3000

match sys.argv[1:]:
    case ["print", path]:
        text = "".join(word + "\n" for word in passwords)
    case ["digests", path]:
        digests = sorted({hashlib.sha256(word.lower().encode()).digest()[:4] for word in passwords})
        code = base64.urlsafe_b64encode(b"".join(digests)).decode().rstrip("=")
        lines = "\\\n".join("        " + code[start : start + 96] for start in range(0, len(code), 96))
        text = f'''extension CommonPasswords {{
    /// Made by `Tests/InventoryServiceTests/Auth/common_passwords.py digests`.
    static let digests = """
{lines}
        """
}}
'''
    case _:
        sys.exit("usage: common_passwords.py print|digests FILE")

with open(path, "w", encoding="utf-8") as file:
    file.write(text)

"""Person names, each with its Specific Character Set, as pydicom reads them."""
import base64, json, sys
from pydicom.charset import convert_encodings
from pydicom.valuerep import PersonName

names = []
for asked in json.load(sys.stdin):
    names.append(str(PersonName(base64.b64decode(asked["bytes"]), encodings=convert_encodings(asked["sets"])).decode()))
json.dump(names, sys.stdout)

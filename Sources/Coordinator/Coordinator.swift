import CMPI
import Results

import CHDF5
import Sweep

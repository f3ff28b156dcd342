import CSundials
import Numerics

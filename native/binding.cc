// Module entry: what `require('srs.node')` gives, or the linked binding of a static build.
#include "addon.h"

namespace {

NAN_MODULE_INIT(Initialize) {
  srs::EngineObject::Register(target);
  srs::RegisterSystemFunctions(target);
}

}  // namespace

NODE_MODULE(srs, Initialize)

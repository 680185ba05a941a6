/* offer - what views and dialogs may ask of this screen. */
#ifndef UI_SCREEN_OFFER_H
#define UI_SCREEN_OFFER_H

#include "ui/screen/state.h"

void offer_init(struct ui *ui); /* fills ui->around, once */

#endif

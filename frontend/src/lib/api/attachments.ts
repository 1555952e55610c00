/** Files attached to a card: sent and fetched as they are. */

import { get, request, send, upload } from './http.ts';
import type { Attachment, AttachmentLimits } from './types.ts';

export const listAttachments = (cardId: string) =>
	get<{ items: Attachment[]; limits: AttachmentLimits }>(`/api/cards/${cardId}/attachments`);

/** Attach a file; `onprogress` hears which part of it is sent, from 0 to 1. */
export const attachFile = (
	cardId: string,
	file: Blob,
	name: string,
	onprogress: (part: number) => void,
) => upload<Attachment>(`/api/cards/${cardId}/attachments`, { name }, file, onprogress);

export const removeAttachment = (id: string) =>
	request<undefined>('DELETE', `/api/attachments/${id}`);

/** Its bytes: the browser's own requests, of an image or a link, bear no token. */
export const fetchAttachment = async (id: string): Promise<Blob> =>
	(await send('GET', `/api/attachments/${id}`, { accept: '*/*' })).blob();

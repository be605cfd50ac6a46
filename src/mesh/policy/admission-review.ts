import { refuse } from './core/admission.ts';

// biome-ignore lint/suspicious/noExplicitAny: an AdmissionReview is plain JSON of either version.
type Json = any;

/** Answers an AdmissionReview as the policy controller's webhook does. */
export function reviewPolicy(review: Json): Json {
  const request = review?.request;
  if (!request?.uid) {
    return {
      apiVersion: review?.apiVersion ?? 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: { uid: '', allowed: false, status: { message: 'Invalid request: request is missing', code: 400 } },
    };
  }
  const refusal = request.object ? refuse(request.object, request.kind.group, request.kind.kind) : undefined;
  return {
    apiVersion: review.apiVersion,
    kind: 'AdmissionReview',
    response: refusal
      ? { uid: request.uid, allowed: false, status: { message: refusal } }
      : { uid: request.uid, allowed: true },
  };
}
